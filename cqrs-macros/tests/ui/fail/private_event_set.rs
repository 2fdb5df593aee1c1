//! What a public type names is public.

use cqrs_core::prelude::*;

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Serialize, Deserialize)]
struct OrderPlaced;

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    Placed(OrderPlaced),
}

struct Prices;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, services = Prices, default)]
pub struct Order;

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
pub struct OrderSummary;

#[handlers(ignore(OrderPlaced))]
impl Order {}

#[handlers(ignore(OrderPlaced))]
impl OrderSummary {}

fn main() {}
