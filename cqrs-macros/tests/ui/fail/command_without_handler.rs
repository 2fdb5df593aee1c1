//! A command that its aggregate does not handle.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

fn main() {}
