//! The stores that tests run on.

use std::sync::Arc;

use cqrs_core::{
    envelope::RecordedEvent,
    store::{Error, ViewStore},
};
use cqrs_mongo::MongoViewStore;
use cqrs_postgres::PostgresViewStore;
use cqrs_sqlite::SqliteViewStore;

use crate::{
    log,
    place::{Names, Place},
    runtime::block_on,
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

    /// Opens the read store past the services.
    pub(crate) fn open_views(&self) -> Arc<dyn ViewStore> {
        let store = self.read_store();
        block_on(async {
            match store.split_once(':') {
                Some(("sqlite", file)) => {
                    Ok(Arc::new(SqliteViewStore::open(file).await?) as Arc<dyn ViewStore>)
                }
                Some(("postgres", _)) => Ok(Arc::new(PostgresViewStore::connect(store).await?) as _),
                Some(("mongodb", _)) => Ok(Arc::new(MongoViewStore::connect(store).await?) as _),
                _ => panic!("views can't be read past the service in {store:?}"),
            }
        })
        .unwrap_or_else(|error: Error| panic!("the views can't be opened: {error}"))
    }

    /// All events of the log, read past the services, and checked.
    pub(crate) fn events(&self) -> Vec<RecordedEvent> {
        log::read(self.write_store())
    }
}
