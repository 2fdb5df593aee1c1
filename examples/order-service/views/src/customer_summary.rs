use cqrs_core::prelude::*;
use order_events::{CustomerId, OrderCancelled, OrderConfirmed, OrderEvent, OrderPlaced};

use crate::Sum;

/// What a customer has ordered so far: one document for each customer, from the events of all their orders.
#[derive(Projection, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[projection(name = "customer_summary", events(OrderEvent), key = CustomerId, default, max_lag = "2s")]
pub struct CustomerSummary {
    /// All orders, whatever became of them.
    pub orders: u64,
    /// Those that are confirmed now.
    pub confirmed: u64,
    /// Those that are cancelled.
    pub cancelled: u64,
    /// The price of all orders but the cancelled ones.
    pub total_cents: Sum,
}

#[handlers]
impl CustomerSummary {
    #[event_handler(key = event.customer_id)]
    fn on_placed(&mut self, event: &OrderPlaced) {
        self.orders += 1;
        self.total_cents += event.total_cents;
    }

    #[event_handler(key = event.customer_id)]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {
        self.confirmed += 1;
    }

    #[event_handler(key = event.customer_id)]
    fn on_cancelled(&mut self, event: &OrderCancelled) {
        self.cancelled += 1;
        self.confirmed -= u64::from(event.was_confirmed);
        self.total_cents -= event.total_cents;
    }
}
