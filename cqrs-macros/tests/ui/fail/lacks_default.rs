//! What is declared `default` has one.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
struct OrderSummary;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

#[derive(Aggregate)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {}

fn main() {}
