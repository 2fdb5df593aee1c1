//! Arguments that a handler can't have.

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
    fn place(&self, _command: &mut PlaceOrder) {}

    #[command_handler]
    fn confirm(&self, _command: ConfirmOrder, _metadata: Metadata, _count: u32) {}

    #[event_handler]
    fn on_placed(&mut self, _event: OrderPlaced) {}

    #[event_handler]
    fn on_confirmed(&mut self, _event: &mut OrderConfirmed, _metadata: Metadata, _more: u32) {}
}

fn main() {}
