//! An index function of the name of another function.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent))]
struct OrderSummary {
    #[projection(index)]
    total: u64,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {
    fn total(&self) -> u64 {
        self.total
    }
}

fn main() {}
