//! What the store on MongoDB promises: first what every store does, then what is its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod fencing;
mod moves;
mod partitions;
mod preparing;
mod proxy;
mod refusals;
mod replay;
mod retries;
mod sample;
mod scratch;
mod secondaries;
