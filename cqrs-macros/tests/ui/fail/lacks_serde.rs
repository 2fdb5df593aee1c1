//! Payloads, old payloads, projections, commands and snapshots are stored.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::{OrderEvent, OrderId, OrderPlaced, OrderConfirmed};

struct CartFilled;

struct CartOpenedV1;

#[derive(Serialize, Deserialize)]
struct CartOpened;

impl From<CartOpenedV1> for CartOpened {
    fn from(_: CartOpenedV1) -> Self {
        Self
    }
}

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
enum CartEvent {
    Filled(CartFilled),
    #[event(version = 2, from(1 = CartOpenedV1))]
    Opened(CartOpened),
}

#[derive(Projection, Default)]
#[projection(events(OrderEvent), default)]
struct OrderSummary {
    #[projection(index)]
    customer: String,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, snapshot(every = 10), default)]
struct Order;

#[derive(Command)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

fn main() {}
