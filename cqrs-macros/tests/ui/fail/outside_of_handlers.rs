//! Handlers stand in a block that reads them.

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

impl Order {
    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {}
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

#[command_handler]
fn place(_command: PlaceOrder) {}

#[event_handler(key = event.order_id)]
struct OnPaid;

fn main() {}
