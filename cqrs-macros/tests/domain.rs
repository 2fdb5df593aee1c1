//! The whole of a small domain decides and folds as its annotations say.
#![allow(missing_docs, missing_debug_implementations, clippy::unwrap_used, clippy::unused_async)]

use cqrs_core::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    Placed(OrderPlaced),
    #[event(version = 2, from(1 = OrderConfirmedV1))]
    Confirmed(OrderConfirmed),
    Cancelled(OrderCancelled),
}

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    customer_id: String,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmedV1 {}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    by: String,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {}

impl From<OrderConfirmedV1> for OrderConfirmed {
    fn from(_: OrderConfirmedV1) -> Self {
        Self { by: "unknown".into() }
    }
}

#[derive(Aggregate, Serialize, Deserialize)]
#[aggregate(event = OrderEvent, snapshot(every = 100))]
pub struct Order {
    confirmed: bool,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct PlaceOrder {
    #[command(id)]
    pub order_id: OrderId,
    pub customer_id: String,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct ConfirmOrder {
    #[command(id)]
    pub order_id: OrderId,
}

#[derive(Debug, thiserror::Error)]
#[error("confirmed already")]
pub struct ConfirmedAlready;

#[handlers(ignore(OrderCancelled))]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer_id: command.customer_id }
    }

    #[command_handler]
    async fn confirm(
        &self,
        _command: &ConfirmOrder,
        metadata: &Metadata,
    ) -> Result<OrderConfirmed, ConfirmedAlready> {
        if self.confirmed {
            return Err(ConfirmedAlready);
        }
        Ok(OrderConfirmed { by: metadata.actor.clone().unwrap_or_default() })
    }

    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self { confirmed: false }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {
        self.confirmed = true;
    }
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(name = "order_summary", version = 1, events(OrderEvent), max_lag = "2s")]
pub struct OrderSummary {
    #[projection(index)]
    customer_id: String,
    confirmed: bool,
}

#[handlers]
impl OrderSummary {
    #[event_handler]
    fn on_placed(event: &OrderPlaced, _metadata: &Metadata) -> Self {
        Self { customer_id: event.customer_id.clone(), confirmed: false }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.confirmed = true;
    }

    #[event_handler]
    fn on_cancelled(self, _event: &OrderCancelled) -> Option<Self> {
        None
    }
}

#[derive(Projection, Serialize, Deserialize, Default)]
#[projection(events(OrderPlaced, OrderConfirmed), key = CustomerId, default)]
pub struct CustomerOrders {
    placed: u32,
}

#[derive(Id)]
pub struct CustomerId(String);

#[handlers]
impl CustomerOrders {
    #[event_handler(key = CustomerId::new(event.customer_id.clone())?)]
    fn on_placed(&mut self, _event: &OrderPlaced) {
        self.placed += 1;
    }
    #[event_handler(keys = CustomerId::new(event.by.clone()).ok())]
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {
        self.placed += 1;
    }
}

#[test]
fn it_compiles() {}
