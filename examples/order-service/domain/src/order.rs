use crate::values::{Lines, Reason};
use cqrs_core::prelude::*;
use order_events::{
    Cents, CustomerId, OrderCancelled, OrderConfirmed, OrderEvent, OrderId, OrderPlaced, Status,
};

/// A customer's order.
#[derive(Aggregate, Clone, Debug, PartialEq)]
#[aggregate(event = OrderEvent)]
pub struct Order {
    customer_id: CustomerId,
    total: Cents,
    status: Status,
}

/// A customer asks for articles.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct PlaceOrder {
    #[command(id)]
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    pub lines: Lines,
}

/// Promises delivery.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct ConfirmOrder {
    #[command(id)]
    pub order_id: OrderId,
}

/// Calls the order off, also after it was confirmed.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[command(aggregate = Order)]
pub struct CancelOrder {
    #[command(id)]
    pub order_id: OrderId,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmOrderError {
    #[error("the order is confirmed already")]
    AlreadyConfirmed,
    #[error("the order is cancelled")]
    AlreadyCancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the order is cancelled already")]
pub struct AlreadyCancelled;

#[handlers]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        let PlaceOrder { customer_id, lines, .. } = command;
        OrderPlaced { customer_id, total_cents: lines.total(), lines: lines.into() }
    }

    #[command_handler]
    fn confirm(&self, _: &ConfirmOrder) -> Result<OrderConfirmed, ConfirmOrderError> {
        match self.status {
            Status::Placed => Ok(OrderConfirmed { customer_id: self.customer_id.clone() }),
            Status::Confirmed => Err(ConfirmOrderError::AlreadyConfirmed),
            Status::Cancelled => Err(ConfirmOrderError::AlreadyCancelled),
        }
    }

    #[command_handler]
    fn cancel(&self, command: CancelOrder) -> Result<OrderCancelled, AlreadyCancelled> {
        if self.status == Status::Cancelled {
            return Err(AlreadyCancelled);
        }
        Ok(OrderCancelled {
            customer_id: self.customer_id.clone(),
            reason: command.reason.into(),
            was_confirmed: self.status == Status::Confirmed,
            total_cents: self.total,
        })
    }

    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { customer_id: event.customer_id.clone(), total: event.total_cents, status: Status::Placed }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.status = Status::Confirmed;
    }

    #[event_handler]
    fn on_cancelled(&mut self, _: &OrderCancelled) {
        self.status = Status::Cancelled;
    }
}
