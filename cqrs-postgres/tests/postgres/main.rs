//! What the stores on PostgreSQL promise: first what every store does, then what is their own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod server;
mod views;
