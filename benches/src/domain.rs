//! The workload's domain: an order whose stream gets six commands, each of which appends an event of about 200 bytes.

use cqrs_core::prelude::*;

/// How many commands a stream gets before the next one is started.
pub(crate) const COMMANDS_PER_STREAM: u64 = 6;

#[derive(Id)]
pub(crate) struct OrderId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LineAdded {
    customer: String,
    sku: String,
    quantity: u32,
    unit_price_cents: i64,
    note: String,
}

impl LineAdded {
    /// About 200 bytes of JSON.
    pub(crate) fn sample(number: u64) -> Self {
        Self {
            customer: format!("customer-{}", number % 1_000),
            sku: format!("sku-{:06}", number % 10_000),
            quantity: 1 + u32::try_from(number % 9).expect("below 9"),
            unit_price_cents: 1_999,
            note: "please leave the parcel with the neighbours at number seventeen, second floor".to_owned(),
        }
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub(crate) enum OrderEvent {
    LineAdded(LineAdded),
}

#[derive(Aggregate, Debug, Default)]
#[aggregate(event = OrderEvent, default)]
pub(crate) struct Order {
    lines: u64,
    total_cents: i64,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub(crate) struct AddLine {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

#[derive(Debug)]
pub(crate) struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order is full")
    }
}

impl std::error::Error for Full {}

#[handlers]
impl Order {
    #[command_handler]
    fn add_line(&self, command: &AddLine) -> Result<LineAdded, Full> {
        if self.lines < 1_000 && self.total_cents >= 0 {
            Ok(LineAdded::sample(command.number))
        } else {
            Err(Full)
        }
    }

    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.lines += 1;
        self.total_cents += i64::from(event.quantity) * event.unit_price_cents;
    }
}

#[derive(Projection, Debug, Default, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent), default)]
pub(crate) struct OrderSummary {
    #[projection(index)]
    customer: String,
    lines: u64,
    total_cents: i64,
    last_sku: String,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.customer.clone_from(&event.customer);
        self.last_sku.clone_from(&event.sku);
        self.lines += 1;
        self.total_cents += i64::from(event.quantity) * event.unit_price_cents;
    }
}
