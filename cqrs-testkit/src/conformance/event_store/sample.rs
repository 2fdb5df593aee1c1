use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Metadata, Position, RecordedEvent, StreamId, Version},
    store::{
        Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, EventFilter, EventStore,
        Load, Loaded, LogPage, NewEvent, Past, RecordedCommand, StreamRead,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::conformance::json::json;

pub(super) fn stream_of(category: &str, id: &str) -> StreamId {
    StreamId::new(category, id).expect("the suite's own names are valid")
}

pub(super) fn stream(id: &str) -> StreamId {
    stream_of("order", id)
}

pub(super) fn event_named(stream: &StreamId, name: &'static str) -> NewEvent {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    NewEvent {
        event_id: EventId::generate(),
        stream: stream.clone(),
        name: name.into(),
        schema_version: SchemaVersion::FIRST,
        data: json(format!("{{\"count\":{count}}}")),
    }
}

pub(super) fn event(stream: &StreamId) -> NewEvent {
    event_named(stream, "noted")
}

pub(super) fn events(stream: &StreamId, count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event(stream)).collect()
}

pub(super) fn at(stream: &StreamId, version: u64) -> Condition {
    Condition::Version { stream: stream.clone(), expected: Version::new(version) }
}

pub(super) fn append(
    conditions: impl IntoIterator<Item = Condition>,
    events: impl IntoIterator<Item = NewEvent>,
) -> Append {
    Append {
        conditions: conditions.into_iter().collect(),
        past: Past::UNKNOWN,
        events: events.into_iter().collect(),
        metadata: Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH),
        command: None,
    }
}

/// Events at the end of a stream, whatever its version.
pub(super) fn more(stream: &StreamId, count: usize) -> Append {
    append([], events(stream, count))
}

pub(super) fn by_command(append: Append, id: CommandId, stream: &StreamId) -> Append {
    let record = CommandRecord { id, fingerprint: Uuid::from_u128(7), stream: stream.clone(), answer: None };
    Append { metadata: Metadata::of_command(id, Timestamp::UNIX_EPOCH), command: Some(record), ..append }
}

pub(super) async fn must_append(store: &dyn EventStore, append: Append) -> Appended {
    appended(store.append(append).await)
}

pub(super) fn appended(outcome: Result<AppendOutcome, AppendError>) -> Appended {
    match outcome.expect("the append succeeds") {
        AppendOutcome::Appended(appended) => appended,
        AppendOutcome::Repeated(known) => panic!("a new append was taken for a repeated one of {known:?}"),
    }
}

pub(super) fn repeated(outcome: Result<AppendOutcome, AppendError>) -> RecordedCommand {
    match outcome.expect("a repeated command is no error") {
        AppendOutcome::Repeated(known) => *known,
        AppendOutcome::Appended(appended) => panic!("a repeated command was appended again: {appended:?}"),
    }
}

/// The expected and the actual version of a conflict.
pub(super) fn conflict(outcome: Result<AppendOutcome, AppendError>, of: &StreamId) -> (u64, u64) {
    match outcome.expect_err("the condition does not hold") {
        AppendError::Conflict { stream, expected, actual } => {
            assert_eq!(stream, *of, "the conflict names another stream");
            (expected.get(), actual.get())
        }
        other => panic!("a conflict was to be expected, but: {other:?}"),
    }
}

pub(super) async fn read_stream(store: &dyn EventStore, stream: &StreamId) -> Vec<RecordedEvent> {
    store.read_stream(stream, StreamRead::After(Version::ZERO), 1_000_000).await.expect("a stream is read")
}

pub(super) async fn read_page(
    store: &dyn EventStore,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> LogPage {
    store.read_log(after, filter, limit).await.expect("the log is read")
}

/// The whole log, in one page.
pub(super) async fn read_all(store: &dyn EventStore) -> Vec<RecordedEvent> {
    read_page(store, Position::ZERO, &EventFilter::ALL, 1_000_000).await.events
}

/// A stream and its neighbour, with ten events each, interleaved.
pub(super) async fn ten_events(store: &dyn EventStore) -> StreamId {
    let (a, b) = (stream("a"), stream("b"));
    for _ in 0..10 {
        must_append(store, append([], [event(&a), event(&b)])).await;
    }
    a
}

pub(super) async fn load(store: &dyn EventStore, stream: &StreamId) -> Loaded {
    let load = Load { stream, snapshot: None, command: None };
    store.load(load).await.expect("a stream is loaded")
}

pub(super) async fn head(store: &dyn EventStore) -> u64 {
    store.head().await.expect("the head is read").get()
}

pub(super) fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.get()).collect()
}

pub(super) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.get()).collect()
}

pub(super) fn ids(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.event_id).collect()
}

pub(super) fn new_ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.event_id).collect()
}
