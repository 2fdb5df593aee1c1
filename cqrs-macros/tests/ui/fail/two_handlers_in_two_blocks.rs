//! Two handlers for one event, or for one command, in two blocks.

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
    fn place(&self, _command: PlaceOrder) {}

    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {}
}

#[handlers]
impl Order {
    #[command_handler]
    fn place_again(&self, _command: &PlaceOrder) {}

    #[event_handler]
    fn on_placed_again(&mut self, _event: &OrderPlaced) {}
}

fn main() {}
