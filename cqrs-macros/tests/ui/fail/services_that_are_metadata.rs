//! Every handler may take metadata.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, services = Metadata, default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {}

fn main() {}
