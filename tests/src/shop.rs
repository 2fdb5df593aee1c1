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

/// An order was confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {}

/// The events of an order.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    /// It was placed.
    Placed(OrderPlaced),
    /// It was confirmed.
    Confirmed(OrderConfirmed),
}

/// An order, as commands see it.
#[derive(Aggregate, Debug)]
#[aggregate(event = OrderEvent)]
pub struct Order {
    confirmed: bool,
}

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

/// Confirms an order.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct ConfirmOrder {
    /// The order.
    #[command(id)]
    pub order_id: OrderId,
}

/// An order is confirmed once.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the order is confirmed already")]
pub struct AlreadyConfirmed;

#[handlers]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer: command.customer, cents: command.cents }
    }

    #[command_handler]
    fn confirm(&self, _: ConfirmOrder) -> Result<OrderConfirmed, AlreadyConfirmed> {
        if self.confirmed { Err(AlreadyConfirmed) } else { Ok(OrderConfirmed {}) }
    }

    #[event_handler]
    fn on_placed(_: &OrderPlaced) -> Self {
        Self { confirmed: false }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.confirmed = true;
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
    #[projection(index)]
    pub cents: i64,
    /// It is confirmed.
    #[projection(index(accessor = by_confirmed))]
    pub confirmed: bool,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { customer: event.customer.clone(), cents: event.cents, confirmed: false }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.confirmed = true;
    }
}
