//! The write side. It knows the framework as `engine`.
#![deny(warnings, missing_docs, missing_debug_implementations, clippy::pedantic)]

use engine::prelude::*;
use fixture_events::{CustomerId, OrderEvent, OrderId, OrderPlaced, OrderShipped};

/// An order.
#[derive(Aggregate, Debug, Serialize, Deserialize)]
#[aggregate(event = OrderEvent, services = Warehouse, snapshot(every = 2), crate = engine)]
pub struct Order {
    shipped: bool,
}

/// Packs parcels.
#[derive(Debug)]
pub struct Warehouse {
    /// The number of the last parcel.
    pub last_parcel: u32,
}

/// Places an order.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order, crate = engine)]
pub struct PlaceOrder {
    /// Which one.
    #[command(id)]
    pub order_id: OrderId,
    /// For whom.
    pub customer_id: CustomerId,
}

/// Ships an order.
#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = Order, name = "send_order", crate = engine)]
pub struct ShipOrder {
    /// Which one.
    #[command(id)]
    pub order_id: OrderId,
}

/// Why an order can't be shipped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipOrderError {
    /// It is on its way.
    #[error("the order was shipped already")]
    Shipped,
}

#[handlers(crate = engine)]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer_id: command.customer_id }
    }

    #[command_handler]
    fn ship(
        &self,
        _command: &ShipOrder,
        warehouse: &Warehouse,
        metadata: &Metadata,
    ) -> Result<OrderShipped, ShipOrderError> {
        if self.shipped {
            return Err(ShipOrderError::Shipped);
        }
        let parcels = if metadata.actor.is_some() { 1 } else { 2 };
        Ok(OrderShipped { parcels: (1..=parcels).map(|parcel| warehouse.last_parcel + parcel).collect() })
    }
}

#[handlers(crate = engine)]
impl Order {
    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self { shipped: false }
    }

    #[event_handler]
    fn on_shipped(&mut self, event: &OrderShipped) {
        self.shipped = !event.parcels.is_empty();
    }
}
