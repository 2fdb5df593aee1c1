//! A projection decides nothing.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(OrderEvent), default)]
struct OrderSummary;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer_id: CustomerId::generate() }
    }
}

fn main() {}
