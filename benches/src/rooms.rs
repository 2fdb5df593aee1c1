//! Rooms for measurements: each is empty before, and gone after.

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Failure,
    limit::postgres::connect,
    places::{Location, Place},
    urls::with_database,
};

/// The URLs of the servers of a run, and what was made on them.
#[derive(Default)]
pub(crate) struct Rooms {
    postgres: Option<String>,
    slow_postgres: Option<String>,
    mongo: Option<String>,
    made: AtomicU64,
    open: Mutex<Vec<Database>>,
}

/// Which disk a PostgreSQL has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    AsItIs,
    /// With a millisecond more for each `fsync`.
    Slow,
}

/// A room; [`Rooms::close`] it.
pub(crate) struct Room {
    pub(crate) location: Location,
    /// Goes with the room.
    _folder: Option<tempfile::TempDir>,
}

#[derive(Clone)]
struct Database {
    location: Location,
    server: String,
    name: String,
}

impl Rooms {
    /// Takes the URLs from where `cargo xtask bench` puts them.
    pub(crate) fn of_environment() -> Self {
        let url = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
        Self {
            postgres: url("CQRS_TEST_POSTGRES_URL"),
            slow_postgres: url("CQRS_BENCH_SLOW_POSTGRES_URL"),
            mongo: url("CQRS_TEST_MONGO_URL"),
            ..Self::default()
        }
    }

    pub(crate) async fn open(&self, place: Place) -> Result<Room, Failure> {
        match place {
            Place::Memory => Ok(Room { location: Location::Memory, _folder: None }),
            Place::Sqlite => {
                // Beside the program: on the disk that matters, not in memory.
                let program = std::env::current_exe()?;
                let beside = program.parent().unwrap_or_else(|| Path::new("."));
                let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
                Ok(Room { location: Location::Sqlite(folder.path().to_owned()), _folder: Some(folder) })
            }
            Place::Postgres => self.open_postgres(Disk::AsItIs).await,
            Place::Mongo => {
                let server = self.mongo()?;
                let name = self.name();
                let location = Location::Mongo(with_database(server, &name)?);
                Ok(self.remember(Database { location, server: server.to_owned(), name }))
            }
        }
    }

    pub(crate) async fn open_postgres(&self, disk: Disk) -> Result<Room, Failure> {
        let server = self.postgres(disk)?;
        let name = self.name();
        connect(server).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let location = Location::Postgres(with_database(server, &name)?);
        Ok(self.remember(Database { location, server: server.to_owned(), name }))
    }

    pub(crate) fn postgres(&self, disk: Disk) -> Result<&str, Failure> {
        let url = match disk {
            Disk::AsItIs => self.postgres.as_deref(),
            Disk::Slow => self.slow_postgres.as_deref(),
        };
        let missing = match disk {
            Disk::AsItIs => "there is no PostgreSQL: use `cargo xtask bench`, or set CQRS_TEST_POSTGRES_URL",
            Disk::Slow => {
                "there is no PostgreSQL with a slow disk: use `cargo xtask bench`, or set CQRS_BENCH_SLOW_POSTGRES_URL"
            }
        };
        Ok(url.ok_or(missing)?)
    }

    pub(crate) fn mongo(&self) -> Result<&str, Failure> {
        let missing = "there is no MongoDB: use `cargo xtask bench`, or set CQRS_TEST_MONGO_URL";
        Ok(self.mongo.as_deref().ok_or(missing)?)
    }

    pub(crate) async fn close(&self, room: Room) -> Result<(), Failure> {
        let same = |open: &Database| {
            room.location.url().is_ok_and(|url| open.location.url().is_ok_and(|open| open == url))
        };
        let database = {
            let mut open = self.databases();
            open.iter().position(same).map(|at| open.swap_remove(at))
        };
        match database {
            Some(database) => database.drop().await,
            None => Ok(()),
        }
    }

    /// Drops what is left, as after a failure.
    pub(crate) async fn close_all(&self) -> Result<(), Failure> {
        let open = std::mem::take(&mut *self.databases());
        for database in open {
            database.drop().await?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("cqrs_bench_{}_{}", std::process::id(), self.made.fetch_add(1, Ordering::Relaxed))
    }

    fn remember(&self, database: Database) -> Room {
        let location = database.location.clone();
        self.databases().push(database);
        Room { location, _folder: None }
    }

    fn databases(&self) -> MutexGuard<'_, Vec<Database>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database {
    async fn drop(self) -> Result<(), Failure> {
        if let Location::Mongo(url) = &self.location {
            return Ok(mongodb::Client::with_uri_str(url).await?.database(&self.name).drop().await?);
        }
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        Ok(connect(&self.server).await?.batch_execute(&drop).await?)
    }
}
