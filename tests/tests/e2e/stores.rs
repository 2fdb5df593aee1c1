//! The stores that tests run on.

use cqrs_core::envelope::RecordedEvent;

use crate::{
    log,
    place::{Names, Place},
    servers::Database,
};

/// Which stores a test's services run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    Memory,
    Sqlite,
    /// Both on one PostgreSQL.
    Postgres,
    /// Events on PostgreSQL, views on MongoDB.
    PostgresAndMongo,
}

impl Place {
    /// With stores of its own.
    pub(crate) fn new(stores: Stores) -> Self {
        match stores {
            Stores::Memory => Self::on(Names::new("memory:", "memory:"), Vec::new()),
            Stores::Sqlite => Self::of_files(),
            Stores::Postgres => {
                let database = Database::in_postgres();
                Self::on(Names::new(database.url(), database.url()), vec![Box::new(database)])
            }
            Stores::PostgresAndMongo => {
                let (write, read) = (Database::in_postgres(), Database::in_mongo());
                Self::on(Names::new(write.url(), read.url()), vec![Box::new(write), Box::new(read)])
            }
        }
    }

    /// All events of the log, read past the services, and checked.
    pub(crate) fn events(&self) -> Vec<RecordedEvent> {
        log::read(self.write_store())
    }
}
