//! An event of the set without a handler.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate)]
#[aggregate(event = OrderEvent)]
struct Order;

#[handlers]
impl Order {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers]
impl Order {
    #[command_handler]
    fn place(_command: PlaceOrder) {}
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent))]
struct OrderSummary;

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {}
}

fn main() {}
