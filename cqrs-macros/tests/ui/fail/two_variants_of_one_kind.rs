//! Events are told apart by name and type.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Serialize, Deserialize)]
struct CartEmptied;

#[derive(Serialize, Deserialize)]
struct CartShared;

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
enum CartEvent {
    Filled(CartFilled),
    Refilled(CartFilled),
    #[event(name = "cart_filled")]
    Emptied(CartEmptied),
    #[event(name = "cart\nshared")]
    Shared(CartShared),
}

fn main() {}
