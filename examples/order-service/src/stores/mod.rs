//! Opens the stores that the options name. Each kind has a file of its own.

// A kind is a feature. Where a `cfg` has `write-store` beside it, it is about events in that kind of store, and with
// `read-store` about views: `cargo cqrs new` goes by that, too (docs/adr/0021-the-demo-is-the-template.md).
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
