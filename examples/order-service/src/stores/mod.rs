//! Opens the stores that the options name. Each kind has a file of its own, and a feature that brings it.
//!
//! Where a `cfg` names `write-store` beside a kind, it is about events in that kind of store; `read-store` is about views.

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongodb")))]
mod absent;
mod error;
#[cfg(feature = "mongodb")]
mod mongo;
mod name;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use error::OpenError;
pub(crate) use name::{EVENTS, VIEWS, help, is_private};
pub use open::{open_events, open_views};
#[cfg(all(
    all(feature = "sqlite", feature = "write-store"),
    all(feature = "sqlite", feature = "read-store")
))]
pub(crate) use sqlite::is_same_file;
