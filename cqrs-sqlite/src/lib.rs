#![doc = include_str!("../README.md")]

mod file;
mod log;
mod view;

pub use file::Synchronous;
pub use log::{EventStoreOptions, SqliteEventStore};
pub use view::{SqliteViewStore, ViewStoreOptions};
