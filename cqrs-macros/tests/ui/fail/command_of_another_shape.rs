//! A command is a struct with named fields.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
enum Anything {
    PlaceOrder,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder(OrderId);

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct Generic<T> {
    #[command(id)]
    id: T,
}

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn anything(&self, _command: Anything) {}

    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

fn main() {}
