//! SQLite's files, past the service.

use std::path::Path;

use rusqlite::{Connection, params};

/// A bare connection.
pub(crate) fn open(file: &Path) -> Connection {
    let connection = Connection::open(file).expect("the file opens");
    connection.busy_timeout(crate::deadline::DEADLINE).expect("a timeout can be set");
    connection
}

/// Checks that a file is whole.
pub(crate) fn check(file: &Path) {
    let whole: String =
        open(file).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check runs");
    assert_eq!(whole, "ok");
}

/// An event that is written past the framework; all else is as in the log's last event.
#[derive(Debug)]
pub(crate) struct Foreign<'a> {
    pub(crate) order: &'a str,
    pub(crate) version: u64,
    pub(crate) name: &'a str,
    /// The text that stands where JSON should.
    pub(crate) data: String,
}

/// Appends an event to a log that has some, and returns its position.
pub(crate) fn insert(file: &Path, event: &Foreign<'_>) -> u64 {
    const INSERT: &str = "INSERT INTO events (position, event_id, category, stream_id, version, name, \
         schema_version, recorded_at, metadata, data) \
         SELECT position + 1, randomblob(16), category, ?1, ?2, ?3, 1, recorded_at, metadata, ?4 \
         FROM events ORDER BY position DESC LIMIT 1";
    let connection = open(file);
    let version = i64::try_from(event.version).expect("a small number");
    let inserted = connection.execute(INSERT, params![event.order, version, event.name, event.data]);
    assert_eq!(inserted.expect("the log takes it"), 1, "the log has an event to begin with");
    u64::try_from(connection.last_insert_rowid()).expect("positions are positive")
}
