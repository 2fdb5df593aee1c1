//! A command handler returns events of the aggregate's set.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
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
    #[command_handler]
    fn place(&self, _command: PlaceOrder) -> bool {
        true
    }

    #[command_handler]
    fn confirm(&self, _command: ConfirmOrder) -> Result<Vec<PaymentTaken>, std::fmt::Error> {
        Ok(Vec::new())
    }

    #[command_handler]
    fn cancel(&self, _command: CancelOrder) -> Result<OrderPlaced, String> {
        Err(String::new())
    }
}

fn main() {}
