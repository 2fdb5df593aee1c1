#![doc = include_str!("../README.md")]

#[cfg(any(feature = "events", feature = "views"))]
#[allow(dead_code, unused_imports, reason = "the write store follows")]
mod database;
#[cfg(feature = "views")]
mod view;

#[cfg(feature = "views")]
pub use view::{PostgresViewStore, ViewStoreOptions};
