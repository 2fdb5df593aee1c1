//! What the framework measures of itself, for the [`metrics`](https://docs.rs/metrics) facade.
//!
//! A program that installs a recorder gets all of it, and may call [`describe`] to give the recorder each metric's unit
//! and meaning. Without a recorder a measurement costs a few nanoseconds. `docs/metrics.md` has the table: names, kinds,
//! units, labels.
//!
//! No label names an aggregate, a document or a user: the number of time series is that of the types of commands and
//! projections in the program.

mod command;
mod metric;
mod projection;
mod query;
mod store;
mod table;

pub(crate) use command::{AppendEnd, Appends, CommandOutcome, Commands};
pub use metric::{Kind, Metric, describe};
pub(crate) use projection::{LagGauges, Observer, ProjectionMeter};
pub(crate) use query::{WaitOutcome, query_waited};
pub use store::AppendMeter;
pub use table::ALL;
