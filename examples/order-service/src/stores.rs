//! Opens the stores that the options name.

use std::{path::PathBuf, sync::Arc};

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};

/// A store, as an option names it.
#[derive(Clone, PartialEq, Eq)]
enum Named {
    Memory,
    Sqlite(PathBuf),
}

/// Opens the write store of `--write`.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
pub async fn open_events(name: &str) -> Result<Arc<dyn EventStore>, OpenError> {
    match named("--write", name)? {
        Named::Memory => Ok(Arc::new(MemoryEventStore::new())),
        #[cfg(all(feature = "sqlite", feature = "write-store"))]
        Named::Sqlite(path) => match cqrs_sqlite::SqliteEventStore::open(&path).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(OpenError::Open { option: "--write", path, source }),
        },
        #[cfg(not(all(feature = "sqlite", feature = "write-store")))]
        Named::Sqlite(_) => Err(OpenError::NotBuiltIn { option: "--write", store: "SQLite" }),
    }
}

/// Opens the read store of `--read`.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
pub async fn open_views(name: &str) -> Result<Arc<dyn ViewStore>, OpenError> {
    match named("--read", name)? {
        Named::Memory => Ok(Arc::new(MemoryViewStore::new())),
        #[cfg(all(feature = "sqlite", feature = "read-store"))]
        Named::Sqlite(path) => match cqrs_sqlite::SqliteViewStore::open(&path).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(OpenError::Open { option: "--read", path, source }),
        },
        #[cfg(not(all(feature = "sqlite", feature = "read-store")))]
        Named::Sqlite(_) => Err(OpenError::NotBuiltIn { option: "--read", store: "SQLite" }),
    }
}

/// Whether a store is gone with the process, so that no other process can share it.
pub fn is_private(name: &str) -> bool {
    name == "memory:"
}

/// A name may hold a password, so no error repeats it.
fn named(option: &'static str, name: &str) -> Result<Named, OpenError> {
    let (scheme, rest) = name.split_once(':').ok_or(OpenError::Unknown { option })?;
    match scheme {
        "memory" if rest.is_empty() => Ok(Named::Memory),
        "sqlite" if !rest.is_empty() => Ok(Named::Sqlite(rest.into())),
        "sqlite" => Err(OpenError::NoPath { option }),
        "postgres" | "postgresql" => Err(OpenError::NotBuiltIn { option, store: "PostgreSQL" }),
        "mongodb" | "mongodb+srv" => Err(OpenError::NotBuiltIn { option, store: "MongoDB" }),
        _ => Err(OpenError::Unknown { option }),
    }
}

/// Why a store is not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No store has a name like this.
    #[error("{option} names no known store; use `memory:` or `sqlite:PATH`")]
    Unknown {
        /// The option.
        option: &'static str,
    },
    /// The file's path is missing.
    #[error("{option} names no file; write `sqlite:PATH`")]
    NoPath {
        /// The option.
        option: &'static str,
    },
    /// A store that this program was built without.
    #[error(
        "{option} asks for {store}, which this program was built without; use `memory:` or `sqlite:PATH`"
    )]
    NotBuiltIn {
        /// The option.
        option: &'static str,
        /// The kind of store.
        store: &'static str,
    },
    /// The store refuses.
    #[error("{path:?}, which {option} names, can't be opened")]
    Open {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: cqrs_core::store::Error,
    },
}
