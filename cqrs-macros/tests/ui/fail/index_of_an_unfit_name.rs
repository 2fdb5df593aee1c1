//! An index's name becomes that of a column, or a path in a document.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
struct OrderSummary {
    #[projection(index)]
    #[serde(rename = "customer.id")]
    customer: String,
    #[projection(index)]
    #[serde(rename(serialize = "$total", deserialize = "total"))]
    total: u64,
    #[projection(index)]
    #[serde(rename = "bezahlt-am")]
    paid: bool,
    #[serde(rename = "a.b")]
    free: bool,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

fn main() {
    let _ = OrderSummary::total();
}
