use cqrs_core::prelude::*;
use order_events::{
    Cents, CustomerId, OrderCancelled, OrderConfirmed, OrderEvent, OrderLine, OrderPlaced, Status,
};

/// An order as it stands.
#[derive(Projection, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent), max_lag = "2s")]
pub struct OrderSummary {
    /// Whose it is.
    #[projection(index)]
    pub customer_id: CustomerId,
    /// How it stands.
    #[projection(index)]
    pub status: Status,
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// The price of all lines together.
    pub total_cents: Cents,
    /// When it was placed.
    pub placed_at: DateTime,
    /// When its status changed last.
    pub updated_at: DateTime,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(event: &OrderPlaced, meta: &Metadata) -> Self {
        Self {
            customer_id: event.customer_id.clone(),
            status: Status::Placed,
            lines: event.lines.clone(),
            total_cents: event.total_cents,
            placed_at: meta.time.into(),
            updated_at: meta.time.into(),
        }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed, meta: &Metadata) {
        (self.status, self.updated_at) = (Status::Confirmed, meta.time.into());
    }

    #[event_handler]
    fn on_cancelled(&mut self, _: &OrderCancelled, meta: &Metadata) {
        (self.status, self.updated_at) = (Status::Cancelled, meta.time.into());
    }
}
