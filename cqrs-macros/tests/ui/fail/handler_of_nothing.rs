//! Handlers that don't say what they handle.

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

#[handlers]
impl Order {
    #[command_handler]
    fn place(&self) {}

    #[event_handler]
    fn on_placed(&mut self) {}

    #[event_handler]
    fn on_anything(&mut self, _event: &impl Event) {}

    #[command_handler]
    fn generic<C: Command>(&self, _command: C) {}
}

fn main() {}
