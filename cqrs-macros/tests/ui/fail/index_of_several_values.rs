//! An index holds one value for each document.

#[path = "../shop.rs"]
mod shop;

use std::collections::{BTreeMap, HashSet, VecDeque};

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
struct OrderSummary {
    #[projection(index)]
    lines: Vec<String>,
    #[projection(index)]
    queue: VecDeque<u8>,
    #[projection(index)]
    prices: BTreeMap<String, u64>,
    #[projection(index)]
    tags: Option<HashSet<String>>,
    #[projection(index)]
    colour: [u8; 3],
    #[projection(index)]
    place: (f64, f64),
    #[projection(index)]
    paid: Option<bool>,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

fn main() {
    let _ = OrderSummary::lines();
}
