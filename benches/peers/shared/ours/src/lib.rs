//! The workload on this framework, whatever its store.

mod commands;
mod domain;
mod loads;
mod projects;

pub use commands::Commands;
pub use domain::{AddLine, Import, Inspect, Order, OrderEvent, OrderId, OrderSummary, PlaceOrder};
pub use loads::Loading;
pub use projects::{Projection, backlog};
