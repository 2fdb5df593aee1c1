//! Opens the stores that the options name.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{Error, EventStore, ViewStore},
};

/// A store, as an option names it.
enum Named {
    Memory,
    Sqlite(PathBuf),
    Postgres,
    Mongo,
}

/// Opens the write store of `--write`; a server that does not answer is given up after the time.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
#[cfg_attr(
    not(all(feature = "postgres", feature = "write-store")),
    expect(unused_variables, reason = "only servers may be silent")
)]
pub async fn open_events(name: &str, timeout: Duration) -> Result<Arc<dyn EventStore>, OpenError> {
    let option = "--write";
    match named(option, name)? {
        Named::Memory => Ok(Arc::new(MemoryEventStore::new())),
        #[cfg(all(feature = "sqlite", feature = "write-store"))]
        Named::Sqlite(path) => match cqrs_sqlite::SqliteEventStore::open(&path).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(OpenError::File { option, path, source }),
        },
        #[cfg(not(all(feature = "sqlite", feature = "write-store")))]
        Named::Sqlite(_) => Err(not_built_in(option, "SQLite", "sqlite")),
        #[cfg(all(feature = "postgres", feature = "write-store"))]
        Named::Postgres => {
            match cqrs_postgres::PostgresEventStore::options().timeout(timeout).connect(name).await {
                Ok(store) => Ok(Arc::new(store)),
                Err(source) => Err(OpenError::Server { option, server: "PostgreSQL", source }),
            }
        }
        #[cfg(not(all(feature = "postgres", feature = "write-store")))]
        Named::Postgres => Err(not_built_in(option, "PostgreSQL", "postgres")),
        Named::Mongo => Err(OpenError::ViewsOnly { option, server: "MongoDB" }),
    }
}

/// Opens the read store of `--read`; a server that does not answer is given up after the time.
///
/// # Errors
///
/// Where there is none of that name, or it can't be opened.
#[cfg_attr(
    not(all(any(feature = "postgres", feature = "mongodb"), feature = "read-store")),
    expect(unused_variables, reason = "only servers may be silent")
)]
pub async fn open_views(name: &str, timeout: Duration) -> Result<Arc<dyn ViewStore>, OpenError> {
    let option = "--read";
    match named(option, name)? {
        Named::Memory => Ok(Arc::new(MemoryViewStore::new())),
        #[cfg(all(feature = "sqlite", feature = "read-store"))]
        Named::Sqlite(path) => match cqrs_sqlite::SqliteViewStore::open(&path).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(OpenError::File { option, path, source }),
        },
        #[cfg(not(all(feature = "sqlite", feature = "read-store")))]
        Named::Sqlite(_) => Err(not_built_in(option, "SQLite", "sqlite")),
        #[cfg(all(feature = "postgres", feature = "read-store"))]
        Named::Postgres => {
            match cqrs_postgres::PostgresViewStore::options().timeout(timeout).connect(name).await {
                Ok(store) => Ok(Arc::new(store)),
                Err(source) => Err(OpenError::Server { option, server: "PostgreSQL", source }),
            }
        }
        #[cfg(not(all(feature = "postgres", feature = "read-store")))]
        Named::Postgres => Err(not_built_in(option, "PostgreSQL", "postgres")),
        #[cfg(all(feature = "mongodb", feature = "read-store"))]
        Named::Mongo => match mongo(timeout).connect(name).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(OpenError::Server { option, server: "MongoDB", source }),
        },
        #[cfg(not(all(feature = "mongodb", feature = "read-store")))]
        Named::Mongo => Err(not_built_in(option, "MongoDB", "mongodb")),
    }
}

#[cfg(all(feature = "mongodb", feature = "read-store"))]
fn mongo(timeout: Duration) -> cqrs_mongo::ViewStoreOptions {
    let half = timeout / 2;
    cqrs_mongo::MongoViewStore::options()
        .timeout(timeout)
        .server_selection_timeout(half)
        .connect_timeout(half)
}

/// Whether a store is gone with the process, so that no other process can share it.
pub fn is_private(name: &str) -> bool {
    name == "memory:"
}

/// Whether two options name one file. Two stores on one server are apart in it, by schema or database.
pub fn is_same_file(write: &str, read: &str) -> bool {
    write == read && write.starts_with("sqlite:")
}

/// A name may hold a password, so no error repeats it.
fn named(option: &'static str, name: &str) -> Result<Named, OpenError> {
    let (scheme, rest) = name.split_once(':').ok_or(OpenError::Unknown { option })?;
    match scheme {
        "memory" if rest.is_empty() => Ok(Named::Memory),
        "sqlite" if !rest.is_empty() => Ok(Named::Sqlite(rest.into())),
        "sqlite" => Err(OpenError::NoPath { option }),
        "postgres" | "postgresql" => Ok(Named::Postgres),
        "mongodb" | "mongodb+srv" => Ok(Named::Mongo),
        _ => Err(OpenError::Unknown { option }),
    }
}

#[allow(dead_code, reason = "a program with all features has all stores")]
const fn not_built_in(option: &'static str, store: &'static str, feature: &'static str) -> OpenError {
    OpenError::NotBuiltIn { option, store, feature }
}

/// Why a store is not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No store has a name like this.
    #[error(
        "{option} names no known store; use `memory:`, `sqlite:PATH`, `postgres://…`, or for views `mongodb://…/DATABASE`"
    )]
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
    /// A store that keeps no events.
    #[error(
        "{option} names {server}, which keeps views only; use `memory:`, `sqlite:PATH` or `postgres://…`"
    )]
    ViewsOnly {
        /// The option.
        option: &'static str,
        /// The kind of server.
        server: &'static str,
    },
    /// A store that this program was built without.
    #[error(
        "{option} names {store}, which this program was built without; build it with the cargo feature `{feature}`: \
         `cargo run -p order-service --features {feature}`"
    )]
    NotBuiltIn {
        /// The option.
        option: &'static str,
        /// The kind of store.
        store: &'static str,
        /// What brings it.
        feature: &'static str,
    },
    /// The store in a file refuses.
    #[error("{path:?}, which {option} names, can't be opened")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// The store on a server refuses, or is away.
    #[error("the {server} store that {option} names can't be opened")]
    Server {
        /// The option.
        option: &'static str,
        /// The kind of server.
        server: &'static str,
        /// Why.
        source: Error,
    },
}
