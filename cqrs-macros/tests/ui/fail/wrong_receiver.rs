//! Receivers that a handler can't have.

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

#[handlers]
impl Order {
    #[command_handler]
    fn place(&mut self, _command: PlaceOrder) {}

    #[command_handler]
    fn confirm(self, _command: ConfirmOrder) {}

    #[event_handler]
    fn on_placed(&self, _event: &OrderPlaced) {}

    #[event_handler]
    fn on_confirmed(self: Box<Self>, _event: &OrderConfirmed) {}
}

fn main() {}
