//! Where a measurement's files lie.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};

use crate::Failure;

/// A store to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    Sqlite,
}

impl Place {
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Sqlite];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
        }
    }

    pub(crate) async fn log(self, folder: &Folder) -> Result<Arc<dyn EventStore>, Failure> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryEventStore::new()),
            Self::Sqlite => Arc::new(SqliteEventStore::open(folder.write()).await?),
        })
    }

    pub(crate) async fn views(self, folder: &Folder) -> Result<Arc<dyn ViewStore>, Failure> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryViewStore::new()),
            Self::Sqlite => Arc::new(SqliteViewStore::open(folder.read()).await?),
        })
    }
}

/// A folder of its own for one measurement, beside the program: on the disk that matters, not in memory.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let beside = program.parent().unwrap_or_else(|| Path::new("."));
        Ok(Self(tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?))
    }

    pub(crate) fn write(&self) -> PathBuf {
        self.0.path().join("write.db")
    }

    pub(crate) fn read(&self) -> PathBuf {
        self.0.path().join("read.db")
    }
}
