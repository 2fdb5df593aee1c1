//! A handler for an event that the set does not have.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate)]
#[aggregate(event = OrderEvent, default)]
#[derive(Default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[event_handler]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderPlaced, OrderConfirmed), key = CustomerId)]
struct Customer;

#[handlers(ignore(OrderConfirmed))]
impl Customer {
    #[event_handler(key = event.customer_id)]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }

    #[event_handler]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

fn main() {}
