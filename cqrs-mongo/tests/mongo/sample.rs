use std::{future::Future, time::Duration};

use cqrs_core::{
    document::Value,
    domain::{IndexSpec, IndexValue},
    envelope::{EventId, LogId, Position, StreamId, Version},
    store::{
        Change, Checkpoint, Commit, DeadLetter, DocumentWrite, ProjectionId, ProjectionSpec, Reason,
        Sequence, Standing,
    },
};
use cqrs_testkit::tokio;
use jiff::Timestamp;
use uuid::Uuid;

/// What comes as soon as it can, and is to fail rather than hang where it never comes.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), event).await.expect("this comes soon")
}

pub(crate) fn spec(name: &str, indexes: &[&'static str]) -> ProjectionSpec {
    ProjectionSpec {
        id: ProjectionId::new(name, 1),
        indexes: indexes.iter().map(|name| IndexSpec::new(name)).collect(),
        fingerprint: 5,
    }
}

pub(crate) fn map(fields: &[(&str, Value)]) -> Value {
    Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// A document with its position in a field, which is indexed where that is wanted.
pub(crate) fn put(key: &str, applied: u64, indexes: &[IndexValue]) -> DocumentWrite {
    DocumentWrite {
        key: key.to_owned(),
        created: Position::new(1),
        applied: Position::new(applied),
        change: Change::Put {
            data: map(&[("at", Value::Int(applied.cast_signed()))]).into(),
            indexes: indexes.to_vec(),
        },
    }
}

pub(crate) fn remove(key: &str, applied: u64) -> DocumentWrite {
    DocumentWrite { change: Change::Remove, ..put(key, applied, &[]) }
}

pub(crate) fn batch(from: u64, to: u64, documents: Vec<DocumentWrite>) -> Commit {
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

pub(crate) fn letter(position: u64, key: &str) -> DeadLetter {
    DeadLetter {
        sequence: Sequence::Document(key.to_owned()),
        position: Position::new(position),
        event_id: EventId::from_uuid(Uuid::from_u128(position.into())),
        stream: StreamId::new("order", key).unwrap(),
        version: Version::new(1),
        event: "placed".to_owned(),
        reason: Reason::Failed("no".to_owned()),
        parked_at: Timestamp::UNIX_EPOCH,
        attempts: 1,
        tried_at: Timestamp::UNIX_EPOCH,
    }
}
