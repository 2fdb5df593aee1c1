#![doc = include_str!("../README.md")]

#[cfg(any(feature = "events", feature = "views"))]
mod file;
#[cfg(feature = "events")]
mod log;
#[cfg(feature = "views")]
mod view;

#[cfg(any(feature = "events", feature = "views"))]
pub use file::Synchronous;
#[cfg(feature = "events")]
pub use log::{EventStoreOptions, SqliteEventStore};
#[cfg(feature = "views")]
pub use view::{SqliteViewStore, ViewStoreOptions};
