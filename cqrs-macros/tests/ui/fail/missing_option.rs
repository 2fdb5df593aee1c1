//! Options that can't be left out.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Event)]
enum CartEvent {
    Filled(CartFilled),
}

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Aggregate)]
struct Cart;

#[derive(Command, Serialize, Deserialize)]
struct FillCart {
    #[command(id)]
    cart_id: OrderId,
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(name = "cart_summary")]
struct CartSummary;

#[derive(Aggregate)]
#[aggregate(event = OrderEvent, snapshot())]
struct Order;

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl Order {}

fn main() {}
