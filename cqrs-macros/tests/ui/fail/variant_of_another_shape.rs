//! A variant holds one event.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
enum CartEvent {
    Filled { items: u32 },
    Emptied,
    Shared(CartShared, CustomerId),
    Opened((u32, u32)),
}

#[derive(Serialize, Deserialize)]
struct CartShared;

fn main() {}
