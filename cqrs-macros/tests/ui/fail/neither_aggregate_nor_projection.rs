//! Handlers of a type that is neither an aggregate nor a projection.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

struct Order;

#[handlers(ignore(OrderConfirmed))]
impl Order {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

fn main() {}
