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
        Named::Sqlite(path) => sqlite::events(path).await,
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
        Named::Sqlite(path) => sqlite::views(path).await,
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
    #[error("{option} asks for {store}, which this program was built without; use `memory:` or `sqlite:PATH`")]
    NotBuiltIn {
        /// The option.
        option: &'static str,
        /// The kind of store.
        store: &'static str,
    },
    /// The folder of the file can't be made.
    #[error("the folder of {path:?}, which {option} names, can't be created")]
    Folder {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store refuses.
    #[error("{path:?}, which {option} names, can't be opened")]
    Open {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

mod sqlite {
    use super::{Arc, EventStore, OpenError, PathBuf, ViewStore};

    #[allow(clippy::unused_async)]
    pub(super) async fn events(_: PathBuf) -> Result<Arc<dyn EventStore>, OpenError> {
        Err(OpenError::NotBuiltIn { option: "--write", store: "SQLite" })
    }

    #[allow(clippy::unused_async)]
    pub(super) async fn views(_: PathBuf) -> Result<Arc<dyn ViewStore>, OpenError> {
        Err(OpenError::NotBuiltIn { option: "--read", store: "SQLite" })
    }
}
