//! Options given twice.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Event)]
#[event(stream = "cart", id = OrderId, stream = "basket")]
#[event(id = CustomerId)]
enum CartEvent {
    #[event(name = "filled", name = "cart_filled")]
    Filled(CartFilled),
}

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Aggregate, Default)]
#[aggregate(event = CartEvent, default, default)]
struct Cart;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(CartEvent), key = OrderId, name = "cart", name = "carts", default)]
struct CartSummary {
    #[projection(index, index)]
    items: u32,
}

#[handlers(ignore(CartFilled), ignore(CartFilled))]
impl CartSummary {}

#[handlers]
impl Cart {
    #[event_handler(key = event.a, keys = event.b)]
    fn on_filled(&mut self, _event: &CartFilled) {}
}

fn main() {}
