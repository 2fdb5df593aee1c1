use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use cqrs_core::store::Error;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{Doing, Failure, Format, is_busy};

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Synchronous {
    /// The disk has it: a commit survives the loss of power. One `fsync` for each commit.
    Full,
    /// The operating system has it: a commit survives the death of the program, but the newest ones may be lost
    /// with the machine's power. The file stays valid.
    Normal,
}

/// How a store uses its file.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) poll_interval: Duration,
}

impl Settings {
    pub(crate) fn new(synchronous: Synchronous) -> Self {
        Self {
            synchronous,
            busy_timeout: Duration::from_secs(5),
            readers: thread::available_parallelism().map_or(1, usize::from).min(4),
            poll_interval: Duration::from_millis(10),
        }
    }
}

/// An SQLite file of a known format.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    pub(crate) settings: Settings,
}

impl Database {
    /// Opens the file, and creates or migrates it where needed. The connection is the store's only one that writes.
    pub(crate) fn open(
        path: &Path,
        settings: Settings,
        format: &Format,
    ) -> Result<(Self, Connection), Error> {
        check_path(path)?;
        // A relative path must not change its meaning when the program changes its folder.
        let path = std::path::absolute(path)
            .map_err(|error| Error::invalid(format!("the path {} is unusable: {error}", path.display())))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Error::invalid(format!("the folder {} can't be created: {error}", folder.display()))
            })?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&path, flags).map_err(|error| unusable(&path, &error))?;
        connection.busy_timeout(settings.busy_timeout).doing("opens its file")?;
        if connection.is_readonly("main").doing("opens its file")? {
            return Err(Error::invalid(format!("the file {} can't be written", path.display())));
        }
        format.check(&connection, &path)?;
        use_wal(&connection, &path, settings.busy_timeout)?;
        let synchronous = match settings.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous = {synchronous};
                 PRAGMA foreign_keys = ON;
                 PRAGMA recursive_triggers = ON;
                 PRAGMA trusted_schema = OFF;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -16384;
                 PRAGMA journal_size_limit = 67108864;"
            ))
            .doing("opens its file")?;
        format.migrate(&connection, &path, settings.busy_timeout)?;
        keep_statements(&connection).doing("opens its file")?;
        // Waiting for other writers is done where it blocks nobody, see `Transaction::immediate`.
        connection.busy_timeout(Duration::ZERO).doing("opens its file")?;
        Ok((Self { path, settings }, connection))
    }

    /// One more connection, which can't write.
    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.settings.busy_timeout)?;
        connection.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
        )?;
        keep_statements(&connection)?;
        Ok(connection)
    }
}

/// Statements are prepared once. SQLite would prepare one with a bound limit anew for each value, to adapt its plan;
/// the plan that the indexes are made for is the right one for all values.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn check_path(path: &Path) -> Result<(), Error> {
    if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
        return Err(Error::invalid(format!(
            "{:?} is no path of a file; for a store in memory take the one of cqrs_core::memory",
            path.display().to_string()
        )));
    }
    if path.is_dir() {
        return Err(Error::invalid(format!("{} is a folder, not a file", path.display())));
    }
    Ok(())
}

fn unusable(path: &Path, error: &rusqlite::Error) -> Error {
    Error::invalid(format!("the file {} can't be opened: {error}", path.display()))
}

/// Readers and the writer don't block each other in this mode. Changing to it needs the file for a moment alone, and
/// SQLite does not wait for that by itself.
fn use_wal(connection: &Connection, path: &Path, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Error::invalid(format!(
                    "the file {} can't be used with a write-ahead log, only with `{mode}`: its file system lacks \
                     shared memory",
                    path.display()
                )));
            }
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) if is_busy(&error) => return Err(Failure::new("opens its file", error).into()),
            Err(error) => return Err(unusable(path, &error)),
        }
    }
}

/// A lock whose holder has panicked: everything that it guards is valid at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
