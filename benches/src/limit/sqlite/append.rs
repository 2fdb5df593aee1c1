//! Appending: bare `INSERT`s on one connection, without loads, without conditions.

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use cqrs_core::envelope::EventId;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::{
    Failure,
    domain::{COMMANDS_PER_STREAM, LineAdded},
    figures::per_second,
    limit::METADATA,
    places::Location,
};

/// Which table the limit writes to.
#[derive(Clone, Copy)]
pub(crate) enum LimitTable {
    /// The store's own, with its indexes and triggers: what its promises cost is in the limit.
    Own,
    /// One with a key and one index: the least that could be called a log.
    Least,
}

const LEAST: &str = "
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

const INSERT_LEAST: &str =
    "INSERT INTO events (stream, version, name, data, metadata, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_OWN: &str = "
    INSERT INTO events (
        position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data
    ) VALUES (?8, ?7, 'order', ?1, ?2, ?3, 1, ?6, ?5, ?4)";

/// Events/s that one connection inserts one by one.
pub(crate) async fn one_by_one(
    location: &Location,
    table: LimitTable,
    time: Duration,
) -> Result<f64, Failure> {
    let connection = table.open(location).await?;
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let mut number = 0;
        while started.elapsed() < time {
            table.insert(&connection, number)?;
            number += 1;
        }
        Ok(per_second(number, started.elapsed()))
    })
    .await?
}

/// Events/s that so many tasks hand to one connection, which commits together what is waiting, and answers each.
pub(crate) async fn grouped(
    location: &Location,
    table: LimitTable,
    tasks: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let mut connection = table.open(location).await?;
    let (sender, receiver) = mpsc::channel::<oneshot::Sender<()>>();
    let writer = tokio::task::spawn_blocking(move || {
        let mut number = 0;
        while let Ok(first) = receiver.recv() {
            let waiting: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
            let transaction = connection.transaction()?;
            for _ in &waiting {
                table.insert(&transaction, number)?;
                number += 1;
            }
            transaction.commit()?;
            for answer in waiting {
                // A task that has stopped does not wait for its answer.
                let _: Result<(), ()> = answer.send(());
            }
        }
        Ok::<_, Failure>(number)
    });
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let sender = sender.clone();
        running.spawn(async move {
            while started.elapsed() < time {
                let (answer, answered) = oneshot::channel();
                sender.send(answer).map_err(|_| "the writer is gone")?;
                answered.await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(task) = running.join_next().await {
        task??;
    }
    let took = started.elapsed();
    drop(sender);
    Ok(per_second(writer.await??, took))
}

impl LimitTable {
    async fn open(self, location: &Location) -> Result<Connection, Failure> {
        if let Self::Own = self {
            drop(location.log().await?);
        }
        let Location::Sqlite(folder) = location else { return Err("the limit of SQLite is SQLite's".into()) };
        let connection = Connection::open(folder.join(Location::LOG))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        if let Self::Least = self {
            connection.execute_batch(LEAST)?;
        }
        Ok(connection)
    }

    fn insert(self, connection: &Connection, number: u64) -> Result<(), Failure> {
        // What the framework serialises for each event, the limit serialises too.
        let data = cqrs_core::envelope::Json::of(&LineAdded::sample(number))?;
        let stream = format!("order-{}", number / COMMANDS_PER_STREAM);
        let version = i64::try_from(number % COMMANDS_PER_STREAM + 1)?;
        let (name, recorded_at) = ("line_added", 1_700_000_000_000_000_i64);
        let id = EventId::generate().as_uuid();
        match self {
            Self::Own => connection.prepare_cached(INSERT_OWN)?.execute(params![
                stream,
                version,
                name,
                data.as_str(),
                METADATA,
                recorded_at,
                id.as_bytes(),
                i64::try_from(number + 1)?
            ])?,
            Self::Least => connection.prepare_cached(INSERT_LEAST)?.execute(params![
                stream,
                version,
                name,
                data.as_str(),
                METADATA,
                recorded_at
            ])?,
        };
        Ok(())
    }
}
