//! The read side. It knows events, but neither commands nor aggregates, and imports the macros one by one.
#![deny(warnings, missing_docs, missing_debug_implementations, clippy::pedantic)]

use fixture_events::{CustomerId, OrderEvent, OrderId, OrderPlaced, OrderShipped, PaymentTaken};

/// An order, as customers see it.
#[derive(Debug, PartialEq, cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(version = 3, events(OrderEvent, PaymentTaken), key = OrderId, max_lag = "1m30s")]
pub struct OrderSummary {
    /// Who placed it.
    #[projection(index)]
    pub customer_id: CustomerId,
    /// How many parcels it has.
    #[projection(index(accessor = by_parcels))]
    pub parcels: usize,
    /// Whether it is paid.
    pub paid: bool,
}

#[cqrs_core::handlers]
impl OrderSummary {
    #[cqrs_core::event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { customer_id: event.customer_id.clone(), parcels: 0, paid: false }
    }

    #[cqrs_core::event_handler]
    fn on_shipped(&mut self, OrderShipped { parcels, .. }: &OrderShipped) {
        self.parcels = parcels.len();
    }

    #[cqrs_core::event_handler(keys = event.order_ids)]
    fn on_paid(&mut self, _event: &PaymentTaken) {
        self.paid = true;
    }
}

/// How many orders a customer has placed.
#[derive(Debug, Default, PartialEq, cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(events(OrderEvent), key = CustomerId, default)]
pub struct CustomerOrders {
    /// The number of orders.
    pub placed: u32,
}

#[cqrs_core::handlers(ignore(OrderShipped))]
impl CustomerOrders {
    #[cqrs_core::event_handler(key = event.customer_id)]
    fn on_placed(&mut self, _event: &OrderPlaced) {
        self.placed += 1;
    }
}

/// What is in the house. An order that is shipped leaves it.
#[derive(Debug, PartialEq, cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(name = "open", events = OrderEvent)]
pub struct OpenOrder {
    /// Since when, in seconds.
    pub since: i64,
}

#[cqrs_core::handlers]
impl OpenOrder {
    #[cqrs_core::event_handler]
    fn on_placed(_event: &OrderPlaced, metadata: &cqrs_core::envelope::Metadata) -> Self {
        Self { since: metadata.time.as_second() }
    }

    #[cqrs_core::event_handler]
    fn on_shipped(self, event: &OrderShipped) -> Option<Self> {
        event.parcels.is_empty().then_some(self)
    }
}
