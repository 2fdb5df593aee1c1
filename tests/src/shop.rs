//! A small order domain, for the examples of the documentation.

use cqrs_core::prelude::*;

/// The id of an order.
#[derive(Id)]
pub struct OrderId(Uuid);

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Who placed it.
    pub customer: String,
    /// What it costs.
    pub cents: i64,
}

/// The events of an order.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    /// It was placed.
    Placed(OrderPlaced),
}

/// An order, as commands see it.
#[derive(Aggregate, Debug)]
#[aggregate(event = OrderEvent)]
pub struct Order;

/// Places an order.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct PlaceOrder {
    /// The order.
    #[command(id)]
    pub order_id: OrderId,
    /// Who places it.
    pub customer: String,
    /// What it costs.
    pub cents: i64,
}

#[handlers]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer: command.customer, cents: command.cents }
    }

    #[event_handler]
    fn on_placed(_: &OrderPlaced) -> Self {
        Self
    }
}

/// An order, as queries see it.
#[derive(Projection, Debug, Serialize, Deserialize)]
#[projection(name = "order_summary", version = 1, events(OrderEvent), max_lag = "2s")]
pub struct OrderSummary {
    /// Who placed it.
    #[projection(index)]
    pub customer: String,
    /// What it costs.
    pub cents: i64,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { customer: event.customer.clone(), cents: event.cents }
    }
}
