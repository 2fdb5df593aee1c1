//! Projections that can't be built.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent, PaymentEvent))]
struct WithoutKey;

#[handlers(ignore(OrderPlaced, OrderConfirmed, PaymentTaken))]
impl WithoutKey {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(name = "Order Summary", events(OrderEvent))]
struct WithBadName;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl WithBadName {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), max_lag = "2 fortnights")]
struct WithBadLag;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl WithBadLag {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), on_error = "explode")]
struct WithBadPolicy;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl WithBadPolicy {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent, OrderEvent), key = OrderId)]
struct FedTwice(#[projection(index)] u32);

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl FedTwice {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events = OrderEvent)]
enum Variants {
    One {
        #[projection(index)]
        field: u32,
    },
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Variants {}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events = OrderEvent)]
struct Generic<T> {
    field: T,
}

fn main() {}
