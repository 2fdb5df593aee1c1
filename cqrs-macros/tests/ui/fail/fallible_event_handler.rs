//! An event is a fact.

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
    fn place(&self, _command: PlaceOrder) {}

    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[event_handler]
    fn on_confirmed(self, _event: &OrderConfirmed) -> Result<Self, std::fmt::Error> {
        Ok(self)
    }
}

fn main() {}
