use cqrs_core::prelude::*;
use peers_harness::{Line, OutOfOrder, Totals};
use uuid::Uuid;

#[derive(Id)]
pub struct OrderId(pub Uuid);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderPlaced(pub Line);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineAdded(pub Line);

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    Placed(OrderPlaced),
    LineAdded(LineAdded),
}

#[derive(Aggregate, Debug, Serialize, Deserialize)]
#[aggregate(event = OrderEvent, snapshot(every = 100))]
pub struct Order {
    totals: Totals,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct PlaceOrder {
    #[command(id)]
    pub order: OrderId,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct AddLine {
    #[command(id)]
    pub order: OrderId,
    pub number: u32,
}

/// Places an order that has many lines at once.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct Import {
    #[command(id)]
    pub order: OrderId,
    pub lines: u32,
}

/// Changes nothing: it loads, and says no where the order does not have so many lines.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct Inspect {
    #[command(id)]
    pub order: OrderId,
    pub lines: u32,
}

#[handlers]
impl Order {
    #[command_handler]
    fn place(_: &PlaceOrder) -> OrderPlaced {
        OrderPlaced(Line::sample(0))
    }

    #[command_handler]
    fn import(command: &Import) -> Vec<OrderEvent> {
        let placed = OrderEvent::from(OrderPlaced(Line::sample(0)));
        let lines = (1..command.lines).map(|number| LineAdded(Line::sample(number)).into());
        std::iter::once(placed).chain(lines).collect()
    }

    #[command_handler]
    fn add_line(&self, command: &AddLine) -> Result<LineAdded, OutOfOrder> {
        self.totals.expect(command.number)?;
        Ok(LineAdded(Line::sample(command.number)))
    }

    #[command_handler]
    fn inspect(&self, command: &Inspect) -> Result<Option<LineAdded>, OutOfOrder> {
        self.totals.expect(command.lines)?;
        Ok(None)
    }

    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        let mut totals = Totals::default();
        totals.add(&event.0);
        Self { totals }
    }

    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.totals.add(&event.0);
    }
}

#[derive(Projection, Debug, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent))]
pub struct OrderSummary {
    customer: String,
    last_sku: String,
    totals: Totals,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(OrderPlaced(line): &OrderPlaced) -> Self {
        let mut totals = Totals::default();
        totals.add(line);
        Self { customer: line.customer.clone(), last_sku: line.sku.clone(), totals }
    }

    #[event_handler]
    fn on_line_added(&mut self, LineAdded(line): &LineAdded) {
        self.last_sku.clone_from(&line.sku);
        self.totals.add(line);
    }
}
