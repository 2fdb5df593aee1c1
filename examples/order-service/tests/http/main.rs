//! What `order-service` answers over HTTP, on each store.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod client;
mod commands;
mod describing;
mod faults;
mod health;
mod idempotency;
mod live;
mod queries;
mod roles;
