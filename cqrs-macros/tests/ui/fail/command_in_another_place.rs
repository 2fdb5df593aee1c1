//! Where a handler takes its command in the wrong place, or has the wrong mark.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

struct Prices;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, services = Prices, default)]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct ConfirmOrder {
    #[command(id)]
    order_id: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct CancelOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[event_handler]
    fn place(&self, _command: PlaceOrder) -> Option<OrderPlaced> {
        None
    }

    #[command_handler]
    fn confirm(&self, _prices: &Prices, _command: ConfirmOrder) -> Option<OrderConfirmed> {
        None
    }

    #[command_handler]
    async fn cancel(&self, _command: CancelOrder, _prices: Prices) -> Option<OrderConfirmed> {
        None
    }
}

fn main() {}
