//! A command handler decides commands.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

struct PlaceOrder;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

fn main() {}
