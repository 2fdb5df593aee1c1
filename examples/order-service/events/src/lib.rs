//! What happens to an order: the [event set](OrderEvent), and the ids and values in it.
//!
//! This is all that the write side and the read side of the order service share.

mod events;
mod ids;
mod values;

pub use events::{OrderCancelled, OrderConfirmed, OrderEvent, OrderPlaced};
pub use ids::{CustomerId, OrderId, Sku};
pub use values::{Cents, NegativeMoney, NoQuantity, OrderLine, Quantity, Status};
