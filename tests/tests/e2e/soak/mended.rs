//! The demo's projections as a later release has them, which copes with what the demo can't read: a confirmation that names
//! its customer by an object. So a mended program takes over in tests where the demo was before.

use std::sync::Arc;

use cqrs_core::{prelude::*, store::ViewStore};
use serde::Deserializer;
use serde_json::Value;

use crate::{log, place::Place, runtime::block_on};

#[derive(Id)]
pub(super) struct OrderId(String);

#[derive(Id)]
pub(super) struct CustomerId(String);

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Placed,
    Confirmed,
    Cancelled,
}

#[derive(Serialize, Deserialize)]
struct OrderPlaced {
    customer_id: CustomerId,
    lines: Value,
    total_cents: i64,
}

#[derive(Serialize, Deserialize)]
struct OrderConfirmed {
    #[serde(deserialize_with = "either")]
    customer_id: CustomerId,
}

#[derive(Serialize, Deserialize)]
struct OrderCancelled {
    customer_id: CustomerId,
    was_confirmed: bool,
    total_cents: i64,
}

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
    Cancelled(OrderCancelled),
}

/// What mends it.
fn either<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CustomerId, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Customer {
        Text(CustomerId),
        Object { id: CustomerId },
    }
    Customer::deserialize(deserializer).map(|(Customer::Text(id) | Customer::Object { id })| id)
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent), max_lag = "2s")]
struct OrderSummary {
    #[projection(index)]
    customer_id: CustomerId,
    #[projection(index)]
    status: Status,
    lines: Value,
    total_cents: i64,
    placed_at: DateTime,
    updated_at: DateTime,
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

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(name = "customer_summary", events(OrderEvent), key = CustomerId, default, max_lag = "2s")]
struct CustomerSummary {
    orders: u64,
    confirmed: u64,
    cancelled: u64,
    /// As text.
    total_cents: Sum,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Sum(i64);

impl TryFrom<String> for Sum {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.0.to_string()
    }
}

#[handlers]
impl CustomerSummary {
    #[event_handler(key = event.customer_id)]
    fn on_placed(&mut self, event: &OrderPlaced) {
        self.orders += 1;
        self.total_cents.0 += event.total_cents;
    }

    #[event_handler(key = event.customer_id)]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.confirmed += 1;
    }

    #[event_handler(key = event.customer_id)]
    fn on_cancelled(&mut self, event: &OrderCancelled) {
        self.cancelled += 1;
        self.confirmed -= u64::from(event.was_confirmed);
        self.total_cents.0 -= event.total_cents;
    }
}

/// Starts the mended projector, in this process.
pub(super) fn start(place: &Place, views: &Arc<dyn ViewStore>) -> App {
    let builder = App::builder(log::open(place.write_store()))
        .projection::<OrderSummary>(Arc::clone(views))
        .projection::<CustomerSummary>(Arc::clone(views));
    block_on(builder.build()).expect("it starts")
}
