//! What '#[handlers]' does not stand on.

#[path = "../shop.rs"]
mod shop;

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

trait Places {
    fn place(&self, command: PlaceOrder);
}

#[handlers]
impl Places for Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) {}
}

#[handlers]
struct Cart;

struct Basket<T>(T);

#[handlers]
impl<T> Basket<T> {
    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {}
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place_it(&self, _command: PlaceOrder) {}
}

fn main() {}
