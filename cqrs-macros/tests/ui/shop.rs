//! A sound event set, for cases about what stands on it.

use cqrs_core::prelude::*;

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Id)]
pub struct CustomerId(String);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub customer_id: CustomerId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderConfirmed {
    pub reason: String,
}

#[derive(Event, Clone, Debug)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
}

#[derive(Id)]
pub struct PaymentId(Uuid);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaymentTaken {
    pub order_id: OrderId,
    pub order_ids: Vec<OrderId>,
}

#[derive(Event, Clone, Debug)]
#[event(stream = "payment", id = PaymentId)]
pub enum PaymentEvent {
    Taken(PaymentTaken),
}
