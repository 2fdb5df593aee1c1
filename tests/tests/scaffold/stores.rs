//! The stores that a project has.

use std::fmt::Debug;

use tempfile::TempDir;

use crate::{
    log,
    place::{Names, Place},
    servers::Database,
};

/// A kind of store, as `cargo cqrs new` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mongo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stores {
    pub(crate) write: Kind,
    pub(crate) read: Kind,
}

/// Stores that are there, and what has to be there for as long as they are.
pub(crate) struct Opened {
    pub(crate) names: Names,
    kept: Vec<Box<dyn Debug + Send + Sync>>,
}

impl Kind {
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mongo => "mongo",
        }
    }
}

impl Stores {
    /// New ones, with nothing in them.
    pub(crate) fn open(self) -> Opened {
        let mut kept: Vec<Box<dyn Debug + Send + Sync>> = Vec::new();
        let mut open = |kind: Kind, file: &str| match kind {
            Kind::Sqlite => {
                let folder = TempDir::new().expect("the system has a folder for temporary files");
                let name = format!("sqlite:{}", folder.path().join(file).display());
                kept.push(Box::new(folder));
                name
            }
            Kind::Postgres => keep(&mut kept, Database::in_postgres()),
            Kind::Mongo => keep(&mut kept, Database::in_mongo()),
        };
        let names = Names::new(open(self.write, "write.db"), open(self.read, "read.db"));
        Opened { names, kept }
    }
}

fn keep(kept: &mut Vec<Box<dyn Debug + Send + Sync>>, database: Database) -> String {
    let url = database.url().to_owned();
    kept.push(Box::new(database));
    url
}

impl Place {
    /// With stores of its own.
    pub(crate) fn new(stores: Stores) -> Self {
        let Opened { names, kept } = stores.open();
        Self::on(names, kept)
    }

    /// All events of the log, read past the services, and checked.
    pub(crate) fn events(&self) -> Vec<cqrs_core::envelope::RecordedEvent> {
        log::read(self.write_store())
    }
}
