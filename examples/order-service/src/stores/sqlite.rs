//! Events, views or both, in SQLite files.

use std::time::Duration;

use super::{OpenError, name::Name};

#[cfg(all(feature = "sqlite", feature = "write-store"))]
pub(super) const EVENTS: Name = Name::new("sqlite:PATH", "sqlite:data/orders-write.db");
#[cfg(all(feature = "sqlite", feature = "read-store"))]
pub(super) const VIEWS: Name = Name::new("sqlite:PATH", "sqlite:data/orders-read.db");

/// Opens a file with events, and makes it where it is missing.
#[cfg(all(feature = "sqlite", feature = "write-store"))]
pub(super) async fn events(
    option: &'static str,
    path: &str,
    timeout: Duration,
) -> Result<cqrs_sqlite::SqliteEventStore, OpenError> {
    let path = file(option, path)?;
    let opened = cqrs_sqlite::SqliteEventStore::options().busy_timeout(timeout).open(&path).await;
    opened.map_err(|source| OpenError::File { option, path, source })
}

/// Opens a file with views, and makes it where it is missing.
#[cfg(all(feature = "sqlite", feature = "read-store"))]
pub(super) async fn views(
    option: &'static str,
    path: &str,
    timeout: Duration,
) -> Result<cqrs_sqlite::SqliteViewStore, OpenError> {
    let path = file(option, path)?;
    let opened = cqrs_sqlite::SqliteViewStore::options().busy_timeout(timeout).open(&path).await;
    opened.map_err(|source| OpenError::File { option, path, source })
}

fn file(option: &'static str, path: &str) -> Result<std::path::PathBuf, OpenError> {
    if path.is_empty() { Err(OpenError::NoPath { option }) } else { Ok(path.into()) }
}

/// Whether two options name one file, which has room for one kind of store only.
#[cfg(all(
    all(feature = "sqlite", feature = "write-store"),
    all(feature = "sqlite", feature = "read-store")
))]
pub(crate) fn is_same_file(write: &str, read: &str) -> bool {
    write == read && write.starts_with("sqlite:")
}
