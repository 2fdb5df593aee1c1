//! `cargo cqrs` as whoever types it sees it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod adding;
#[cfg(target_os = "linux")]
mod asking;
mod help;
mod making;
mod terminal;
