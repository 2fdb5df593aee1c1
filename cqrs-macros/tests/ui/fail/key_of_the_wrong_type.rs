//! Keys of another type than the documents'.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(OrderEvent, PaymentEvent), key = CustomerId, default)]
struct Customer;

#[handlers]
impl Customer {
    #[event_handler(key = event.customer_id.to_string())]
    fn on_placed(&mut self, _event: &OrderPlaced) {}

    #[event_handler(key = event.reason)]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {}

    #[event_handler(keys = event.order_ids)]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

fn main() {}
