#![doc = include_str!("../README.md")]

pub mod conformance;
mod spec;

pub use spec::{Decision, Spec, ViewSpec};

/// The runtime that the suites run on; with `#[tokio::test(crate = "…")]` it serves a store's own tests too.
pub use tokio;
