use std::{future::Future, path::PathBuf, time::Duration};

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
    store::{
        Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, EventFilter, EventStore,
        NewEvent, Past,
    },
};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

/// A folder that lives as long as the test, and the path of a file in it that does not exist yet.
pub(crate) fn fresh_path() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// What comes as soon as it can, and is to fail rather than hang where it never comes.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), event).await.expect("this comes soon")
}

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("order", id).unwrap()
}

pub(crate) fn event(stream: &StreamId) -> NewEvent {
    NewEvent {
        event_id: EventId::generate(),
        stream: stream.clone(),
        name: "placed".into(),
        schema_version: SchemaVersion::FIRST,
        data: Json::from_text("{\"total\":1}".to_owned()).unwrap(),
    }
}

/// One event and its command, without conditions.
pub(crate) fn append(stream: &StreamId) -> Append {
    let id = CommandId::generate();
    Append {
        conditions: Vec::new(),
        past: Past::UNKNOWN,
        events: vec![event(stream)],
        metadata: Metadata::of_command(id, Timestamp::now()),
        command: Some(CommandRecord { id, fingerprint: Uuid::nil(), stream: stream.clone(), answer: None }),
    }
}

pub(crate) fn append_at(stream: &StreamId, version: u64) -> Append {
    let condition = Condition::Version { stream: stream.clone(), expected: Version::new(version) };
    Append { conditions: vec![condition], ..append(stream) }
}

pub(crate) fn appended(outcome: Result<AppendOutcome, AppendError>) -> Appended {
    match outcome.unwrap() {
        AppendOutcome::Appended(appended) => appended,
        AppendOutcome::Repeated(command) => panic!("a new command was known: {command:?}"),
    }
}

pub(crate) async fn whole_log(store: &dyn EventStore) -> Vec<RecordedEvent> {
    let page = store.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.unwrap();
    assert!(
        page.events.iter().map(|event| event.position.get()).eq(1..=page.head.get()),
        "positions are not consecutive"
    );
    page.events
}
