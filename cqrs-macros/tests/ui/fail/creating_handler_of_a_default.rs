//! What is declared `default` exists from the start, so nothing creates it.

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

#[handlers(ignore(OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(_command: PlaceOrder) {}

    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

fn main() {}
