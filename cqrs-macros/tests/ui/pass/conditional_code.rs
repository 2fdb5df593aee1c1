//! Variants, fields and handlers that are there or not.

use cqrs_core::prelude::*;

#[derive(Id)]
struct OrderId(Uuid);

#[derive(Serialize, Deserialize)]
struct OrderPlaced;

#[cfg(any())]
struct OrderGiftWrapped;

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    #[cfg(all())]
    Placed(OrderPlaced),
    #[cfg(any())]
    GiftWrapped(OrderGiftWrapped),
}

#[derive(Aggregate)]
#[aggregate(event = OrderEvent)]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[cfg(all())]
    #[command(id)]
    order_id: OrderId,
    #[cfg(any())]
    #[command(id)]
    gift: NoType,
}

#[handlers]
impl Order {
    #[cfg(all())]
    #[command_handler]
    fn place(_command: PlaceOrder) -> OrderPlaced {
        OrderPlaced
    }

    #[command_handler]
    #[cfg(any())]
    fn place(_command: PlaceOrder) {}

    #[event_handler]
    #[cfg(all())]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }

    #[event_handler]
    #[cfg(any())]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }

    #[cfg(any())]
    #[event_handler]
    fn on_gift_wrapped(_event: &OrderGiftWrapped) -> Self {
        Self
    }
}

#[handlers]
#[cfg(any())]
impl Order {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent))]
struct OrderSummary {
    #[cfg(any())]
    #[projection(index)]
    gift: NoType,
}

#[handlers(ignore(OrderPlaced))]
impl OrderSummary {}

fn main() {
    use cqrs_core::Projection;
    assert!(OrderSummary::INDEXES.is_empty());
}
