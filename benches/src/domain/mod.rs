//! The workload's domain: an order whose stream gets six commands, each of which appends an event of about 200 bytes.

mod contested;
mod opened;

use cqrs_core::prelude::*;

pub(crate) use contested::{AddContestedLine, Rival};
pub(crate) use opened::{AddNextLine, OpenOrder};

/// How many commands a stream gets before the next one is started.
pub(crate) const COMMANDS_PER_STREAM: u64 = 6;

#[derive(Id)]
pub(crate) struct OrderId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LineAdded {
    pub(crate) customer: String,
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price_cents: i64,
    pub(crate) note: String,
}

impl LineAdded {
    const PRICE: i64 = 1_999;

    fn quantity(number: u64) -> u32 {
        1 + u32::try_from(number % 9).expect("below 9")
    }

    /// About 200 bytes of JSON. Lines of one order are numbered one after the other, so that they are mostly of one
    /// customer.
    pub(crate) fn sample(number: u64) -> Self {
        Self::of(number / COMMANDS_PER_STREAM, number)
    }

    /// A line of this customer.
    pub(crate) fn of(customer: u64, number: u64) -> Self {
        Self {
            customer: format!("customer-{}", customer % 1_000),
            sku: format!("sku-{:06}", number % 10_000),
            quantity: Self::quantity(number),
            unit_price_cents: Self::PRICE,
            note: "please leave the parcel with the neighbours at number seventeen, second floor".to_owned(),
        }
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub(crate) enum OrderEvent {
    LineAdded(LineAdded),
}

/// What an order's events are folded into, by aggregates and by the limits alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    pub(crate) total_cents: i64,
}

impl Tally {
    /// An order takes so many lines.
    pub(crate) const MOST: u64 = 100_000;

    /// Of a stream that is known to have so many lines, and was not read.
    pub(crate) const fn of_lines(lines: u64) -> Self {
        Self { lines, total_cents: 0 }
    }

    pub(crate) fn add(&mut self, line: &LineAdded) {
        self.lines += 1;
        self.total_cents += i64::from(line.quantity) * line.unit_price_cents;
    }

    /// As [`add`](Self::add) of the sample with this number.
    pub(crate) fn add_sample(&mut self, number: u64) {
        self.lines += 1;
        self.total_cents += i64::from(LineAdded::quantity(number)) * LineAdded::PRICE;
    }
}

#[derive(Aggregate, Debug, Default)]
#[aggregate(event = OrderEvent, default)]
pub(crate) struct Order {
    tally: Tally,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub(crate) struct AddLine {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

/// Loads an order, and appends nothing.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub(crate) struct Look {
    #[command(id)]
    pub(crate) order: OrderId,
}

#[derive(Debug)]
pub(crate) struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order is full")
    }
}

impl std::error::Error for Full {}

/// How [`Look`] answers: a rejection is the way to append nothing.
#[derive(Debug)]
pub(crate) struct Seen(pub(crate) Tally);

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the order has {} lines", self.0.lines)
    }
}

impl std::error::Error for Seen {}

#[handlers]
impl Order {
    #[command_handler]
    fn add_line(&self, command: &AddLine) -> Result<LineAdded, Full> {
        if self.tally.lines < Tally::MOST { Ok(LineAdded::sample(command.number)) } else { Err(Full) }
    }

    #[command_handler]
    fn look(&self, _command: &Look) -> Result<(), Seen> {
        Err(Seen(self.tally))
    }

    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.tally.add(event);
    }
}

/// As [`Order`], with snapshots.
#[derive(Aggregate, Debug, Default, Serialize, Deserialize)]
#[aggregate(event = OrderEvent, default, snapshot(every = 100))]
pub(crate) struct LongOrder {
    tally: Tally,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = LongOrder)]
pub(crate) struct AddLongLine {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

/// Loads an order, and appends nothing.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = LongOrder)]
pub(crate) struct LookLong {
    #[command(id)]
    pub(crate) order: OrderId,
}

#[handlers]
impl LongOrder {
    #[command_handler]
    fn add_line(&self, command: &AddLongLine) -> LineAdded {
        LineAdded::sample(command.number)
    }

    #[command_handler]
    fn look(&self, _command: &LookLong) -> Result<(), Seen> {
        Err(Seen(self.tally))
    }

    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.tally.add(event);
    }
}

#[derive(Projection, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent), default)]
pub(crate) struct OrderSummary {
    #[projection(index)]
    pub(crate) customer: String,
    pub(crate) lines: u64,
    pub(crate) total_cents: i64,
    pub(crate) last_sku: String,
}

impl OrderSummary {
    /// For the limits, and for comparing.
    pub(crate) fn add(&mut self, line: &LineAdded) {
        self.customer.clone_from(&line.customer);
        self.last_sku.clone_from(&line.sku);
        self.lines += 1;
        self.total_cents += i64::from(line.quantity) * line.unit_price_cents;
    }
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.add(event);
    }
}
