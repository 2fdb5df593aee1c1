//! Reads the log, past the service.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use cqrs_core::{
    envelope::{EventId, Json, Position, RecordedEvent, StreamId},
    store::{Append, EventFilter, EventStore, NewEvent, Past},
};
use cqrs_postgres::PostgresEventStore;
use cqrs_sqlite::SqliteEventStore;
use serde_json::Value;

use crate::{file, runtime::block_on};

/// Events that are read or appended at once.
const PAGE: usize = 1_000;

/// Opens the log that a service calls by this name.
pub(crate) fn open(store: &str) -> Arc<dyn EventStore> {
    match store.split_once(':') {
        Some(("sqlite", file)) => Arc::new(block_on(SqliteEventStore::open(file)).expect("the log opens")),
        Some(("postgres", _)) => {
            Arc::new(block_on(PostgresEventStore::connect(store)).expect("the log opens"))
        }
        _ => panic!("a log can't be read past the service in {store:?}"),
    }
}

/// All events of the log, in order, after checking what holds for every log: positions are consecutive from 1, so are
/// the versions of each stream, each event has an id of its own, and a file is whole.
pub(crate) fn read(store: &str) -> Vec<RecordedEvent> {
    let log = open(store);
    let (mut events, mut after) = (Vec::new(), Position::ZERO);
    loop {
        let page = block_on(log.read_log(after, &EventFilter::ALL, PAGE)).expect("the log can be read");
        after = page.through;
        let done = page.events.len() < PAGE;
        events.extend(page.events);
        if done {
            break;
        }
    }
    check(&events);
    if let Some(("sqlite", path)) = store.split_once(':') {
        file::check(Path::new(path));
    }
    events
}

fn check(events: &[RecordedEvent]) {
    let (mut ids, mut streams) = (BTreeSet::new(), BTreeMap::new());
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position.get(), index as u64 + 1, "positions are consecutive: {event:?}");
        let version = streams.entry(&event.stream).or_insert(0);
        *version += 1;
        assert_eq!(event.version.get(), *version, "versions of a stream are consecutive: {event:?}");
        assert!(ids.insert(event.event_id), "each event has an id of its own: {event:?}");
    }
}

/// The data of an event.
pub(crate) fn data(event: &RecordedEvent) -> Value {
    serde_json::from_str(event.data.as_str()).expect("data is JSON")
}

/// An event that is to be as another one, but for its stream and its data.
#[derive(Debug)]
pub(crate) struct Like<'a> {
    pub(crate) event: &'a RecordedEvent,
    pub(crate) stream: String,
    pub(crate) data: Value,
}

/// Appends events past the services, and returns the new head.
pub(crate) fn append<'a>(store: &str, events: impl IntoIterator<Item = Like<'a>>) -> u64 {
    let log = open(store);
    let mut events = events.into_iter().peekable();
    while let Some(first) = events.peek() {
        let metadata = (*first.event.metadata).clone();
        let events = events.by_ref().take(PAGE).map(|Like { event, stream, data }| NewEvent {
            event_id: EventId::generate(),
            stream: StreamId::new(event.stream.category(), stream).expect("a stream like the other one"),
            name: event.name.clone(),
            schema_version: event.schema_version,
            data: Json::of(&data).expect("data is JSON"),
        });
        let append = Append {
            conditions: Vec::new(),
            past: Past::UNKNOWN,
            events: events.collect(),
            metadata,
            command: None,
        };
        block_on(log.append(append)).expect("the log takes it");
    }
    block_on(log.head()).expect("the log has a head").get()
}
