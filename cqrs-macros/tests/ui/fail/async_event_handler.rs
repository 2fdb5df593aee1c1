//! Folding waits for nothing.

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
    async fn place(&self, _command: PlaceOrder) {}

    #[event_handler]
    async fn on_placed(&mut self, _event: &OrderPlaced) {}
}

fn main() {}
