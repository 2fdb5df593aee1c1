//! `key` where every event goes to the state of its own stream.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(PaymentEvent), default)]
struct Payment;

#[handlers]
impl Payment {
    #[event_handler(key = event.order_id)]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

#[derive(Aggregate, Default)]
#[aggregate(event = PaymentEvent, default)]
struct Account;

#[handlers]
impl Account {
    #[event_handler(keys = event.order_ids)]
    fn on_paid(&mut self, _event: &PaymentTaken) {}
}

fn main() {}
