//! After the command come metadata and the declared services, after the event metadata alone.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

struct Prices;

#[derive(Aggregate, Default)]
#[aggregate(event = OrderEvent, default)]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers(ignore(OrderPlaced))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder, _prices: &Prices) {}

    #[event_handler]
    fn on_confirmed(&mut self, _event: &OrderConfirmed, _prices: &Prices) {}
}

fn main() {}
