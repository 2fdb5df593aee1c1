//! Each older version converts into the next.

use cqrs_core::prelude::*;

#[derive(Id)]
struct OrderId(Uuid);

#[derive(Serialize, Deserialize)]
struct OrderPlacedV1;

#[derive(Serialize, Deserialize)]
struct OrderPlacedV2;

#[derive(Serialize, Deserialize)]
struct OrderPlaced;

impl From<OrderPlacedV1> for OrderPlacedV2 {
    fn from(_: OrderPlacedV1) -> Self {
        Self
    }
}

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    #[event(version = 3, from(1 = OrderPlacedV1, 2 = OrderPlacedV2))]
    Placed(OrderPlaced),
}

fn main() {}
