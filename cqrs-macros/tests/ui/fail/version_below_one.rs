//! Versions count from 1.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Serialize, Deserialize)]
struct CartEmptied;

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
enum CartEvent {
    #[event(version = 0)]
    Filled(CartFilled),
    #[event(version = 2, from(0 = CartFilled, 1 = CartFilled))]
    Emptied(CartEmptied),
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), version = 0)]
struct OrderSummary;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

#[derive(Aggregate)]
#[aggregate(event = OrderEvent, snapshot(every = 0, version = -1))]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {}

fn main() {}
