//! Options that don't exist.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Event)]
#[event(stream = "cart", id = OrderId, versoin = 2)]
enum CartEvent {
    #[event(nmae = "cart_filled")]
    Filled(CartFilled),
}

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Aggregate, Default)]
#[aggregate(event = CartEvent, snapshots(every = 10), default)]
struct Cart;

#[derive(Command, Serialize, Deserialize)]
#[command(agregate = Cart)]
struct FillCart {
    #[command(key)]
    cart_id: OrderId,
}

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(CartEvent), max_lga = "2s", default)]
struct CartSummary {
    #[projection(indexed)]
    items: u32,
    #[projection(index(acessor = by_total))]
    total: u32,
}

#[handlers(ignores(CartFilled))]
impl CartSummary {
    #[event_handler(kye = event.order_id)]
    fn on_filled(&mut self, _event: &CartFilled) {}
}

#[derive(Id)]
#[id(check = valid)]
struct CartId(String);

fn main() {}
