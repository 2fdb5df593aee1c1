//! What SQLite files promise: first what every store does, then what is their own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod crash;
mod files;
mod guards;
mod processes;
mod queue;
mod sample;
mod views;
