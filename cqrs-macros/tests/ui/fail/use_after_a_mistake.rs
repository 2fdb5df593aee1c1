//! What uses a type says nothing of the mistake in the type's own attribute.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Aggregate, Default)]
#[aggregate(events = OrderEvent, default)]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregat = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers(ignore(OrderConfirmed))]
impl Order {
    #[command_handler]
    fn place(&self, _command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer_id: CustomerId::generate() }
    }

    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {}
}

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), max_lag = "2 sec", default)]
struct OrderSummary {
    #[projection(index)]
    orders: u32,
}

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(event(OrderEvent), maxlag = "2s", default)]
struct OrderHistory;

#[handlers(ignore(OrderConfirmed))]
impl OrderSummary {
    #[event_handler]
    fn on_placed(&mut self, _event: &OrderPlaced) {
        self.orders += 1;
    }
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderHistory {}

async fn serve(app: App, order_id: OrderId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    app.execute(PlaceOrder { order_id }).await?;
    app.view::<OrderSummary>(&order_id).latest().or_live().await?;
    app.view::<OrderHistory>(&order_id).latest().or_live().await?;
    Ok(())
}

fn main() {}
