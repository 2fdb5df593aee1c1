//! A method has one mark, in plain sight.

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

#[handlers]
impl Order {
    #[command_handler]
    #[event_handler]
    fn place(&self, _command: PlaceOrder) {}

    #[event_handler]
    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {}

    #[event_handler]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {}

    #[cfg_attr(all(), event_handler)]
    fn on_paid(&mut self, _event: &PaymentTaken) {}

    #[command_handler(key = event.order_id)]
    fn with_options(&self, _command: PlaceOrder) {}
}

fn main() {}
