//! The commands of an aggregate with services are executed with them.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

struct Prices;

#[derive(Aggregate, Clone, Default)]
#[aggregate(event = OrderEvent, services = Prices, default)]
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
    fn place(&self, _command: PlaceOrder, _prices: &Prices) -> Option<OrderPlaced> {
        None
    }
}

async fn place(app: &App, command: PlaceOrder) {
    drop(app.execute(command).await);
}

fn main() {}
