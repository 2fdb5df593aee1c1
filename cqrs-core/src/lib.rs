#![doc = include_str!("../README.md")]

#[allow(unused_extern_crates)]
extern crate self as cqrs_core;

pub mod app;
pub mod domain;
pub mod envelope;
pub mod memory;
pub mod prelude;
pub mod query;
pub mod runtime;
pub mod store;

#[doc(hidden)]
pub mod __private;
