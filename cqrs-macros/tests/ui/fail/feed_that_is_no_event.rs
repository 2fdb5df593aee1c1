//! What feeds a projection are events.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Serialize, Deserialize)]
struct NoEvent;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent, NoEvent), key = OrderId)]
struct OrderSummary;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

fn main() {}
