use std::{path::Path, time::Duration};

use cqrs_core::store::Error;
use rusqlite::Connection;

use super::{Doing, Transaction};

/// What a kind of file holds.
#[derive(Debug)]
pub(crate) struct Format {
    /// SQLite's mark in the file's header.
    pub(crate) application_id: i32,
    /// What such a file is called.
    pub(crate) kind: &'static str,
    /// The steps from an empty file to the newest version; version *n* is what the first *n* lead to.
    pub(crate) migrations: &'static [&'static str],
}

/// What a file's header says.
enum Found {
    Empty,
    Version(u32),
}

impl Format {
    /// Brings the file to the newest version. Of several processes that start at once just one does the work.
    pub(crate) fn migrate(
        &self,
        connection: &Connection,
        path: &Path,
        patience: Duration,
    ) -> Result<(), Error> {
        let doing = "prepares its file";
        let known = u32::try_from(self.migrations.len()).expect("a few migrations");
        if matches!(self.inspect(connection, path)?, Found::Version(version) if version == known) {
            return Ok(());
        }
        let transaction = Transaction::immediate(connection, patience).doing(doing)?;
        let done = match self.inspect(connection, path)? {
            Found::Empty => 0,
            Found::Version(version) => version,
        };
        for migration in &self.migrations[done as usize..] {
            connection.execute_batch(migration).doing(doing)?;
        }
        connection.pragma_update(None, "application_id", self.application_id).doing(doing)?;
        connection.pragma_update(None, "user_version", known).doing(doing)?;
        transaction.commit().doing(doing)
    }

    /// Refuses a file that is not of this kind, or newer than this program.
    pub(crate) fn check(&self, connection: &Connection, path: &Path) -> Result<(), Error> {
        self.inspect(connection, path).map(drop)
    }

    fn inspect(&self, connection: &Connection, path: &Path) -> Result<Found, Error> {
        let header = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
            FROM pragma_application_id, pragma_user_version";
        let (application_id, version, tables) = connection
            .query_row(header, [], |row| {
                Ok((row.get::<_, i32>(0)?, row.get::<_, u32>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => {
                    Error::invalid(format!("{} is not an SQLite file", path.display()))
                }
                _ => super::Failure::new("opens its file", error).into(),
            })?;
        if application_id == self.application_id {
            let known = u32::try_from(self.migrations.len()).expect("a few migrations");
            if version > known {
                return Err(Error::NewerFormat { found: version, known });
            }
            return Ok(Found::Version(version));
        }
        if application_id == 0 && version == 0 && tables == 0 {
            return Ok(Found::Empty);
        }
        Err(Error::invalid(format!(
            "the SQLite file {} is not {}: its application id is {application_id:#010x}, not {:#010x}",
            path.display(),
            self.kind,
            self.application_id,
        )))
    }
}
