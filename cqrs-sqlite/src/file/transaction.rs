use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::is_busy;

/// Often enough that a writer of another process, which commits back to back, leaves a gap to slip in.
const RETRY: Duration = Duration::from_micros(200);

/// Runs a statement without parameters, which is prepared once.
pub(crate) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// A transaction that is rolled back unless it is committed: also where its holder panics.
///
/// Like that of `rusqlite`, with statements that are prepared once.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    /// Reads of one moment.
    pub(crate) fn read(connection: &'a Connection) -> rusqlite::Result<Self> {
        execute(connection, "BEGIN")?;
        Ok(Self { connection })
    }

    /// Takes the file's one right to write, and blocks the thread for at most `patience` to get it.
    pub(crate) fn immediate(connection: &'a Connection, patience: Duration) -> rusqlite::Result<Self> {
        let start = Instant::now();
        loop {
            match execute(connection, "BEGIN IMMEDIATE") {
                Ok(()) => return Ok(Self { connection }),
                Err(error) if is_busy(&error) && start.elapsed() < patience => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        execute(self.connection, "COMMIT")
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = execute(self.connection, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}
