//! Reads and writes the file of the log, past the service.

use std::{collections::BTreeSet, path::Path};

use cqrs_core::{
    envelope::{Position, RecordedEvent},
    store::{EventFilter, EventStore as _},
};
use cqrs_sqlite::SqliteEventStore;
use rusqlite::{Connection, params};
use serde_json::Value;

/// All events of the log, in order, after checking what holds for every log: positions are consecutive from 1, so are
/// the versions of each stream, each event has an id of its own, and the file is whole.
pub(crate) fn read(file: &Path) -> Vec<RecordedEvent> {
    let events = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(async {
            let store = SqliteEventStore::open(file).await.expect("the log opens");
            let (mut events, mut after) = (Vec::new(), Position::ZERO);
            loop {
                let page =
                    store.read_log(after, &EventFilter::ALL, 1_000).await.expect("the log can be read");
                after = page.through;
                let done = page.events.len() < 1_000;
                events.extend(page.events);
                if done {
                    return events;
                }
            }
        });

    let (mut ids, mut streams) = (BTreeSet::new(), std::collections::BTreeMap::new());
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position.get(), index as u64 + 1, "positions are consecutive: {event:?}");
        let version = streams.entry(&event.stream).or_insert(0);
        *version += 1;
        assert_eq!(event.version.get(), *version, "versions of a stream are consecutive: {event:?}");
        assert!(ids.insert(event.event_id), "each event has an id of its own: {event:?}");
    }
    let whole: String =
        open(file).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check runs");
    assert_eq!(whole, "ok");
    events
}

/// The data of an event.
pub(crate) fn data(event: &RecordedEvent) -> Value {
    serde_json::from_str(event.data.as_str()).expect("data is JSON")
}

/// A bare connection.
pub(crate) fn open(file: &Path) -> Connection {
    let connection = Connection::open(file).expect("the file opens");
    connection.busy_timeout(crate::deadline::DEADLINE).expect("a timeout can be set");
    connection
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

/// Appends events to a log that has some, and returns the new head.
pub(crate) fn insert<'a>(file: &Path, events: impl IntoIterator<Item = Foreign<'a>>) -> u64 {
    const INSERT: &str = "INSERT INTO events (position, event_id, category, stream_id, version, name, \
         schema_version, recorded_at, metadata, data) \
         SELECT position + 1, randomblob(16), category, ?1, ?2, ?3, 1, recorded_at, metadata, ?4 \
         FROM events ORDER BY position DESC LIMIT 1";
    let mut connection = open(file);
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("it begins");
    for event in events {
        let version = i64::try_from(event.version).expect("a small number");
        let inserted = transaction.prepare_cached(INSERT).expect("the log has this shape").execute(params![
            event.order,
            version,
            event.name,
            event.data
        ]);
        assert_eq!(inserted.expect("the log takes it"), 1, "the log has an event to begin with");
    }
    let head: i64 = transaction
        .query_row("SELECT max(position) FROM events", [], |row| row.get(0))
        .expect("it has a head");
    transaction.commit().expect("it commits");
    u64::try_from(head).expect("positions are positive")
}
