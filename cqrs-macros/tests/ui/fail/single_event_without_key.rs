//! A projection that is fed by single events declares its key.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderPlaced))]
struct OrderSummary;

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

fn main() {}
