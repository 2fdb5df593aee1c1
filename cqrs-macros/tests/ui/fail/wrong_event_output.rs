//! Event handlers that return what they can't.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent, PaymentEvent), key = OrderId)]
struct OrderSummary;

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) {}

    #[event_handler]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) -> bool {
        true
    }

    #[event_handler(key = event.order_id)]
    fn on_paid(self, _event: &PaymentTaken) {}
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent))]
struct OrderHistory;

#[handlers]
impl OrderHistory {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Option<Self> {
        None
    }

    #[event_handler]
    fn on_confirmed(self, _event: &OrderConfirmed) -> Vec<Self> {
        Vec::new()
    }
}

fn main() {}
