//! Options that are written in another way.

use cqrs_core::prelude::*;

#[derive(Event)]
#[event(stream = cart, id = "OrderId")]
enum CartEvent {
    #[event(version = "2", from = CartFilledV1)]
    Filled(CartFilled),
    #[event(name)]
    Emptied(CartEmptied),
}

#[derive(Event)]
#[event = "basket"]
enum BasketEvent {
    #[event(version = 2, from(V1 = CartFilled))]
    Dropped(BasketDropped),
}

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Serialize, Deserialize)]
struct CartEmptied;

#[derive(Serialize, Deserialize)]
struct BasketDropped;

#[derive(Aggregate, Default)]
#[aggregate(event(CartEvent), snapshot = 100, default = true)]
struct Cart;

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(), max_lag = 2, "cart")]
struct CartSummary;

#[handlers(ignore = CartFilled)]
impl CartSummary {
    #[event_handler(key)]
    fn on_emptied(&mut self, _event: &CartEmptied) {}

    #[event_handler = "filled"]
    fn on_filled(&mut self, _event: &CartFilled) {}
}

fn main() {}
