//! What every store must do: one rule, one function.
//!
//! A rule panics where a store breaks it, and its message says what the store did. The macros
//! [`event_store_suite!`](crate::event_store_suite), [`snapshot_store_suite!`](crate::snapshot_store_suite) and
//! [`view_store_suite!`](crate::view_store_suite) yield one `#[test]` for each rule.
//!
//! Rules share nothing: each starts on [stores](Stores) of its own, without data.
#![allow(clippy::missing_panics_doc, reason = "each rule panics where it is broken")]

mod chance;
mod json;
mod property;
mod stores;
mod suite;

pub mod event_store;
pub mod snapshot_store;
pub mod view_store;

pub use stores::{Rule, Stores};
