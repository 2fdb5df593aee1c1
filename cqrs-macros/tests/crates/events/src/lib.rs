//! The contract between the write side and the read side: events alone.
#![deny(warnings, missing_docs, missing_debug_implementations, clippy::pedantic)]

use cqrs_core::prelude::*;

/// Names an order.
#[derive(Id)]
pub struct OrderId(Uuid);

/// Names a customer.
#[derive(Id)]
pub struct CustomerId(String);

/// Names a payment.
#[derive(Id)]
#[id(validate = not_zero)]
pub struct PaymentId(u64);

fn not_zero(number: u64) -> Result<(), &'static str> {
    if number == 0 { Err("it is zero") } else { Ok(()) }
}

/// All that happens to an order.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    /// It was placed.
    Placed(OrderPlaced),
    /// It was shipped.
    #[event(name = "order_sent", version = 2, from(1 = OrderShippedV1))]
    Shipped(OrderShipped),
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// By whom.
    pub customer_id: CustomerId,
}

/// An order was shipped, as it was first recorded.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderShippedV1 {
    parcel: u32,
}

/// An order was shipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderShipped {
    /// In these parcels.
    pub parcels: Vec<u32>,
}

impl From<OrderShippedV1> for OrderShipped {
    fn from(old: OrderShippedV1) -> Self {
        Self { parcels: vec![old.parcel] }
    }
}

/// All that happens to a payment.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "payment", id = PaymentId)]
pub enum PaymentEvent {
    /// It was taken.
    Taken(PaymentTaken),
}

/// A payment was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentTaken {
    /// For these orders.
    pub order_ids: Vec<OrderId>,
}
