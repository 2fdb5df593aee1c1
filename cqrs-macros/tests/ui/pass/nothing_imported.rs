//! Nothing is imported, not even the prelude.
#![no_implicit_prelude]

#[derive(::cqrs_core::Id)]
pub struct OrderId(::cqrs_core::prelude::Uuid);

#[derive(::serde::Serialize, ::serde::Deserialize)]
pub struct OrderPlaced {
    pub total: u64,
}

#[derive(::cqrs_core::Event)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    Placed(OrderPlaced),
}

#[derive(::cqrs_core::Aggregate, ::serde::Serialize, ::serde::Deserialize)]
#[aggregate(event = OrderEvent, snapshot(every = 10))]
pub struct Order {
    total: u64,
}

#[derive(::cqrs_core::Command, ::serde::Serialize, ::serde::Deserialize)]
#[command(aggregate = Order)]
pub struct PlaceOrder {
    #[command(id)]
    pub order_id: OrderId,
    pub total: u64,
}

#[::cqrs_core::handlers]
impl Order {
    #[::cqrs_core::command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { total: command.total }
    }

    #[::cqrs_core::event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { total: event.total }
    }
}

#[derive(::cqrs_core::Projection, ::serde::Serialize, ::serde::Deserialize)]
#[projection(events(OrderEvent), max_lag = "2s")]
pub struct OrderSummary {
    #[projection(index)]
    total: u64,
}

#[::cqrs_core::handlers]
impl OrderSummary {
    #[::cqrs_core::event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { total: event.total }
    }
}

fn main() {
    let _ = OrderSummary::total();
}
