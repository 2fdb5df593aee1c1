//! The text of a `Timestamp` has as many digits as it needs.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
struct OrderSummary {
    #[projection(index)]
    placed_at: Timestamp,
    #[projection(index)]
    paid_at: Option<jiff::Timestamp>,
    #[projection(index)]
    sent_at: Option<DateTime>,
    #[projection(index)]
    own: own::Timestamp,
    seen_at: Timestamp,
}

mod own {
    pub type Timestamp = u64;
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

fn main() {
    let _ = OrderSummary::paid_at();
}
