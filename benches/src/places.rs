//! Where a log or views lie.

use std::{path::PathBuf, sync::Arc};

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};
use cqrs_mongo::MongoViewStore;
use cqrs_postgres::{PostgresEventStore, PostgresViewStore};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// A store to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Place {
    /// In memory, as the limit of the framework itself
    Memory,
    /// SQLite, in a file beside the program
    Sqlite,
    /// PostgreSQL, as write store and as read store
    Postgres,
    /// MongoDB, as read store
    Mongo,
}

impl Place {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mongo => "MongoDB",
        }
    }
}

/// One log, or the views of one measurement.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Location {
    Memory,
    Sqlite(PathBuf),
    /// The URL of a database.
    Postgres(String),
    /// The URL of a database.
    Mongo(String),
}

impl Location {
    /// SQLite's file with the log.
    pub(crate) const LOG: &str = "log.db";

    pub(crate) async fn log(&self) -> Result<Arc<dyn EventStore>, Failure> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryEventStore::new()),
            Self::Sqlite(folder) => Arc::new(SqliteEventStore::open(folder.join(Self::LOG)).await?),
            Self::Postgres(url) => Arc::new(PostgresEventStore::connect(url).await?),
            Self::Mongo(_) => return Err("MongoDB keeps no log".into()),
        })
    }

    pub(crate) async fn views(&self) -> Result<Arc<dyn ViewStore>, Failure> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryViewStore::new()),
            Self::Sqlite(folder) => Arc::new(SqliteViewStore::open(folder.join("views.db")).await?),
            Self::Postgres(url) => Arc::new(PostgresViewStore::connect(url).await?),
            Self::Mongo(url) => Arc::new(MongoViewStore::connect(url).await?),
        })
    }

    /// The URL of the database, for the limits.
    pub(crate) fn url(&self) -> Result<&str, Failure> {
        match self {
            Self::Postgres(url) | Self::Mongo(url) => Ok(url),
            Self::Memory | Self::Sqlite(_) => Err("what is embedded has no URL".into()),
        }
    }
}

/// A URL may hold a password.
impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Sqlite(_) => "Sqlite",
            Self::Postgres(_) => "Postgres",
            Self::Mongo(_) => "Mongo",
        })
    }
}
