//! A handler for a type that is no event.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

struct NoEvent;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[event_handler]
    fn on_paid(&mut self, _event: &NoEvent) {}
}

fn main() {}
