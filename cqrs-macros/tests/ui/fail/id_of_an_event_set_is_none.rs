//! An event set names an id.

use cqrs_core::prelude::*;

struct NoId;

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Event)]
#[event(stream = "cart", id = NoId)]
enum CartEvent {
    Filled(CartFilled),
}

fn main() {}
