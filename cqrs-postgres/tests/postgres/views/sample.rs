//! Projections, documents and batches to try things with.

use cqrs_core::{
    domain::{IndexSpec, IndexValue},
    envelope::{EventId, Json, LogId, Position, StreamId, Version},
    store::{
        Change, Checkpoint, Commit, DeadLetter, Direction, DocumentWrite, Find, OrderBy, ProjectionId,
        ProjectionSpec, Reason, Sequence, Standing, ViewStore,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) fn spec(name: &str, indexes: &[&'static str]) -> ProjectionSpec {
    ProjectionSpec {
        id: ProjectionId::new(name, 1),
        indexes: indexes.iter().map(|name| IndexSpec::new(name)).collect(),
        fingerprint: u64::MAX,
    }
}

pub(crate) fn text(text: &str) -> IndexValue {
    IndexValue::Text(text.to_owned())
}

pub(crate) fn with_data(key: &str, position: u64, data: &str, indexes: &[IndexValue]) -> DocumentWrite {
    DocumentWrite {
        key: key.to_owned(),
        created: Position::new(position),
        applied: Position::new(position),
        change: Change::Put {
            data: Json::from_text(data.to_owned()).unwrap().into(),
            indexes: indexes.to_vec(),
        },
    }
}

pub(crate) fn put(key: &str, position: u64, indexes: &[IndexValue]) -> DocumentWrite {
    with_data(key, position, &position.to_string(), indexes)
}

pub(crate) fn commit(from: u64, to: u64, documents: Vec<DocumentWrite>) -> Commit {
    let checkpoint = Checkpoint {
        log: LogId::from_uuid(Uuid::nil()),
        position: Position::new(to),
        head: Position::new(to),
        as_of: Timestamp::UNIX_EPOCH,
        parked: 0,
        last: None,
        diverged: false,
        fence: 0,
        standing: Standing::Live,
        partitions: 1,
    };
    Commit { documents, ..Commit::of(Position::new(from), checkpoint) }
}

/// An event that waits with others of this document.
pub(crate) fn letter(key: &str, position: u64) -> DeadLetter {
    DeadLetter {
        sequence: Sequence::Document(key.to_owned()),
        position: Position::new(position),
        event_id: EventId::from_uuid(Uuid::from_u128(position.into())),
        stream: StreamId::new("order", "1").unwrap(),
        version: Version::new(position),
        event: "placed".to_owned(),
        reason: Reason::Queued,
        parked_at: Timestamp::UNIX_EPOCH,
        attempts: 0,
        tried_at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn all() -> Find {
    Find {
        filters: Vec::new(),
        order: OrderBy::Created,
        direction: Direction::Ascending,
        after: None,
        limit: 1_000,
    }
}

pub(crate) async fn keys(store: &dyn ViewStore, id: &ProjectionId, find: &Find) -> Vec<String> {
    let found = store.find(id, find).await.unwrap().value;
    found.into_iter().map(|document| document.key).collect()
}

pub(crate) async fn position(store: &dyn ViewStore, id: &ProjectionId) -> u64 {
    store.checkpoint(id).await.unwrap().map_or(0, |checkpoint| checkpoint.position.get())
}
