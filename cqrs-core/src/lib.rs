#![doc = include_str!("../README.md")]

#[allow(unused_extern_crates)]
extern crate self as cqrs_core;

pub mod app;
pub mod document;
pub mod domain;
pub mod envelope;
pub mod memory;
pub mod operations;
pub mod prelude;
pub mod query;
pub mod runtime;
pub mod store;

#[doc(hidden)]
pub mod __private;

pub use domain::{Aggregate, Command, Event, Id, Projection};

#[cfg(feature = "macros")]
pub use cqrs_macros::{Aggregate, Command, Event, Id, Projection, command_handler, event_handler, handlers};
