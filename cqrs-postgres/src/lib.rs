#![doc = include_str!("../README.md")]

#[cfg(any(feature = "events", feature = "views"))]
mod database;
#[cfg(feature = "events")]
mod log;

#[cfg(feature = "events")]
pub use log::{EventStoreOptions, PostgresEventStore};
