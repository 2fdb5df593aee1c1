use std::{sync::Arc, time::Duration};

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongodb")))]
use super::absent;
#[cfg(feature = "mongodb")]
use super::mongo;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{
    OpenError,
    name::{self, EVENTS, VIEWS},
};

/// Opens the write store of `--write`. One that does not answer, or that another process keeps to itself, is given up after the
/// time.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
#[cfg_attr(
    not(all(any(feature = "sqlite", feature = "postgres"), feature = "write-store")),
    expect(unused_variables, reason = "memory does not wait")
)]
pub async fn open_events(name: &str, timeout: Duration) -> Result<Arc<dyn EventStore>, OpenError> {
    let option = "--write";
    // A name may hold a password, so no error repeats it.
    match name.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryEventStore::new())),
        #[cfg(all(feature = "sqlite", feature = "write-store"))]
        Some(("sqlite", path)) => Ok(Arc::new(sqlite::events(option, path, timeout).await?)),
        #[cfg(all(feature = "postgres", feature = "write-store"))]
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(postgres::events(option, name, timeout).await?)),
        #[cfg(feature = "mongodb")]
        Some(("mongodb" | "mongodb+srv", _)) => Err(mongo::views_only(option)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongodb")))]
        Some((scheme, _)) if let Some(error) = absent::events(option, scheme) => Err(error),
        _ => Err(OpenError::Unknown { option, forms: name::forms(EVENTS) }),
    }
}

/// Opens the read store of `--read`. One that does not answer, or that another process keeps to itself, is given up after the
/// time.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
#[cfg_attr(
    not(all(any(feature = "sqlite", feature = "postgres", feature = "mongodb"), feature = "read-store")),
    expect(unused_variables, reason = "memory does not wait")
)]
pub async fn open_views(name: &str, timeout: Duration) -> Result<Arc<dyn ViewStore>, OpenError> {
    let option = "--read";
    match name.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryViewStore::new())),
        #[cfg(all(feature = "sqlite", feature = "read-store"))]
        Some(("sqlite", path)) => Ok(Arc::new(sqlite::views(option, path, timeout).await?)),
        #[cfg(all(feature = "postgres", feature = "read-store"))]
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(postgres::views(option, name, timeout).await?)),
        #[cfg(all(feature = "mongodb", feature = "read-store"))]
        Some(("mongodb" | "mongodb+srv", _)) => Ok(Arc::new(mongo::views(option, name, timeout).await?)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongodb")))]
        Some((scheme, _)) if let Some(error) = absent::views(option, scheme) => Err(error),
        _ => Err(OpenError::Unknown { option, forms: name::forms(VIEWS) }),
    }
}
