//! What decides a command is an aggregate.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

fn main() {}
