//! An order service over HTTP: commands become events, and queries are answered from views of them.
//!
//! The domain is in crates of its own: `order-events` is what happens, `order-domain` decides it, `order-views`
//! answers queries. This crate is what stands around them: [options](Options), [stores], the running [`Service`],
//! and [HTTP](http).
//!
//! A customer's summary counts an order as confirmed for as long as that is its status: an order that is cancelled
//! after it was confirmed counts as cancelled alone. Every customer has a summary; of those who never ordered it
//! holds zeros.

#![cfg_attr(
    not(all(feature = "command", feature = "projector", feature = "query", feature = "sqlite")),
    allow(
        dead_code,
        clippy::unused_async,
        reason = "a program for some of the roles needs only parts of this"
    )
)]

pub mod http;
mod metrics;
mod options;
#[cfg(feature = "read-store")]
pub mod rebuild;
mod serve;
mod service;
pub mod stores;

pub use options::{Options, Rebuild, Role, Task, View};
pub use serve::serve;
pub use service::{Service, StartError};
