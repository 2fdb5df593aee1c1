//! What SQLite can do at the most: bare `INSERT`s on one connection, without loads, without checks.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::{Failure, domain::{COMMANDS_PER_STREAM, LineAdded}, figures::per_second, places::Folder};

const TABLE: &str = "
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        name TEXT NOT NULL,
        data TEXT NOT NULL,
        metadata TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        UNIQUE (stream, version)
    )";

const INSERT: &str =
    "INSERT INTO events (stream, version, name, data, metadata, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The same metadata that the framework records.
const METADATA: &str = r#"{"correlation_id":"0193f0c0-0000-7000-8000-000000000000","causation_id":"0193f0c0-0000-7000-8000-000000000000","command_id":"0193f0c0-0000-7000-8000-000000000000"}"#;

/// Events/s in transactions of `group` inserts; 1: each on its own.
pub(crate) fn inserts(group: u64, time: Duration) -> Result<f64, Failure> {
    let folder = Folder::new()?;
    let mut connection = Connection::open(folder.write())?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(TABLE)?;
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < time {
        if group == 1 {
            insert(&connection, number)?;
            number += 1;
            continue;
        }
        let transaction = connection.transaction()?;
        for _ in 0..group {
            insert(&transaction, number)?;
            number += 1;
        }
        transaction.commit()?;
    }
    Ok(per_second(number, started.elapsed()))
}

fn insert(connection: &Connection, number: u64) -> Result<(), Failure> {
    // What the framework serialises for each event, the limit serialises too.
    let data = cqrs_core::envelope::Json::of(&LineAdded::sample(number))?;
    let stream = format!("order-{}", number / COMMANDS_PER_STREAM);
    let version = i64::try_from(number % COMMANDS_PER_STREAM + 1)?;
    connection
        .prepare_cached(INSERT)?
        .execute(params![stream, version, "line_added", data.as_str(), METADATA, 1_700_000_000_000_000_i64])?;
    Ok(())
}
