use cqrs_core::prelude::*;

use crate::{Cents, CustomerId, OrderId, OrderLine};

/// All that happens to an order.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    /// A customer asked for it.
    Placed(OrderPlaced),
    /// It will be delivered.
    Confirmed(OrderConfirmed),
    /// It will not be delivered.
    Cancelled(OrderCancelled),
}

/// A customer asked for some articles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Who asked.
    pub customer_id: CustomerId,
    /// For what: at least one line.
    pub lines: Vec<OrderLine>,
    /// The price of all lines together.
    pub total_cents: Cents,
}

/// The order will be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// Whose order it is.
    pub customer_id: CustomerId,
}

/// The order will not be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Whose order it is.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: String,
    /// It had been confirmed before.
    pub was_confirmed: bool,
    /// What the order would have cost.
    pub total_cents: Cents,
}
