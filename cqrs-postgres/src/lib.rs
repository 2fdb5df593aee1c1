#![doc = include_str!("../README.md")]

#[cfg(any(feature = "events", feature = "views"))]
mod database;
#[cfg(feature = "events")]
mod log;
#[cfg(feature = "views")]
mod view;

#[cfg(feature = "events")]
pub use log::{EventStoreOptions, PostgresEventStore};
#[cfg(feature = "views")]
pub use view::{PostgresViewStore, ViewStoreOptions};
pub use log::batch::STATS;
