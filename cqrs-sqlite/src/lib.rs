#![doc = include_str!("../README.md")]

#[cfg_attr(
    not(all(feature = "events", feature = "views")),
    allow(dead_code, unused_imports, reason = "one store alone needs a part of it")
)]
mod file;
#[cfg(feature = "events")]
mod log;
#[cfg(feature = "views")]
mod view;

pub use file::Synchronous;
#[cfg(feature = "events")]
pub use log::{EventStoreOptions, SqliteEventStore};
#[cfg(feature = "views")]
pub use view::{SqliteViewStore, ViewStoreOptions};
