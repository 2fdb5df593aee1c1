//! All mistakes of an item are reported at once, and nothing follows from them.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Serialize, Deserialize)]
struct CartFilled;

#[derive(Serialize, Deserialize)]
struct CartEmptied;

#[derive(Event)]
#[event(steam = "cart", id = OrderId)]
enum CartEvent {
    #[event(version = 0)]
    Filled(CartFilled),
    #[event(name = "cart_filled")]
    Emptied(CartEmptied),
    Shared,
}

#[derive(Aggregate)]
#[aggregate(event = CartEvent, snapshot(evry = 100), default, dflt)]
struct Cart;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Cart, nme = "fill")]
struct FillCart {
    cart_id: OrderId,
    #[command(di)]
    items: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Cart)]
struct EmptyCart {
    #[command(id)]
    cart_id: OrderId,
}

#[handlers(ignor(CartShared))]
impl Cart {
    #[command_handler]
    fn fill(&mut self, _command: FillCart, _count: u32) -> Result<CartFilled, String> {
        Ok(CartFilled)
    }

    #[command_handler]
    fn empty(&self, _command: EmptyCart) -> CartEmptied {
        CartEmptied
    }

    #[event_handler]
    async fn on_filled(&self, _event: CartFilled) -> bool {
        true
    }
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(CartEvent), version = 0, max_lag = "soon", nam = "carts")]
struct CartSummary {
    #[projection(indx)]
    items: u32,
}

#[handlers]
impl CartSummary {
    #[event_handler]
    fn on_filled(_event: &CartFilled) -> Self {
        Self { items: 0 }
    }

    #[event_handler]
    fn on_emptied(self, _event: &CartEmptied) -> Option<Self> {
        None
    }
}

fn main() {}
