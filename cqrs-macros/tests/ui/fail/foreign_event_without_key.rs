//! A projection's handler for an event of another kind of stream, without `key`.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent, PaymentTaken), key = OrderId)]
struct OrderSummary;

#[handlers(ignore(OrderConfirmed))]
impl OrderSummary {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }

    #[event_handler]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

fn main() {}
