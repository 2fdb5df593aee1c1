//! What SQLite can do at the most: bare `INSERT`s on one connection, without loads, without checks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::{
    Failure,
    domain::{COMMANDS_PER_STREAM, LineAdded},
    figures::per_second,
    places::Folder,
};

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

/// Events/s that one connection inserts one by one.
pub(crate) fn one_by_one(time: Duration) -> Result<f64, Failure> {
    let folder = Folder::new()?;
    let connection = open(&folder)?;
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < time {
        insert(&connection, number)?;
        number += 1;
    }
    Ok(per_second(number, started.elapsed()))
}

/// Events/s that so many tasks hand to one connection, which commits together what is waiting, and answers each.
pub(crate) async fn grouped(tasks: u64, time: Duration) -> Result<f64, Failure> {
    let folder = Folder::new()?;
    let mut connection = open(&folder)?;
    let (sender, receiver) = mpsc::channel::<(u64, oneshot::Sender<()>)>();
    let writer = tokio::task::spawn_blocking(move || {
        while let Ok(first) = receiver.recv() {
            let waiting: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
            let transaction = connection.transaction()?;
            for (number, _) in &waiting {
                insert(&transaction, *number)?;
            }
            transaction.commit()?;
            for (_, answer) in waiting {
                // A task that has stopped does not wait for its answer.
                let _: Result<(), ()> = answer.send(());
            }
        }
        Ok::<_, Failure>(())
    });
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (sender, next) = (sender.clone(), Arc::clone(&next));
        running.spawn(async move {
            while started.elapsed() < time {
                let (answer, answered) = oneshot::channel();
                sender
                    .send((next.fetch_add(1, Ordering::Relaxed), answer))
                    .map_err(|_| "the writer is gone")?;
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
    writer.await??;
    Ok(per_second(next.load(Ordering::Relaxed), took))
}

fn open(folder: &Folder) -> Result<Connection, Failure> {
    let connection = Connection::open(folder.write())?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(TABLE)?;
    Ok(connection)
}

fn insert(connection: &Connection, number: u64) -> Result<(), Failure> {
    // What the framework serialises for each event, the limit serialises too.
    let data = cqrs_core::envelope::Json::of(&LineAdded::sample(number))?;
    let stream = format!("order-{}", number / COMMANDS_PER_STREAM);
    let version = i64::try_from(number % COMMANDS_PER_STREAM + 1)?;
    connection.prepare_cached(INSERT)?.execute(params![
        stream,
        version,
        "line_added",
        data.as_str(),
        METADATA,
        1_700_000_000_000_000_i64
    ])?;
    Ok(())
}
