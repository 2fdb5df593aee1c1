//! `keys` takes several.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(OrderPlaced), key = CustomerId, default)]
struct Customer;

#[handlers]
impl Customer {
    #[event_handler(keys = event.customer_id)]
    fn on_placed(&mut self, _event: &OrderPlaced) {}
}

fn main() {}
