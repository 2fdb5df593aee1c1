//! A decision may move between threads while it waits.

#[path = "../shop.rs"]
mod shop;

use std::rc::Rc;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    async fn place(&self, _command: PlaceOrder) {
        let count = Rc::new(1);
        std::future::ready(()).await;
        drop(count);
    }
}

fn main() {}
