use std::sync::Arc;

use cqrs_core::{
    document::DateTime,
    domain::{IndexSpec, IndexValue},
    envelope::{EventId, LogId, Position, StreamId, Version},
    store::{
        Change, Checkpoint, Commit, CommitError, Comparison, DeadLetter, Direction, DocumentWrite, Filter,
        Find, OrderBy, ProjectionId, ProjectionSpec, Reason, Sequence, Standing, StoredDocument, ViewStore,
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::conformance::json::{canonical, json};

/// A projection in a store.
#[derive(Clone)]
pub(super) struct View {
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) id: ProjectionId,
}

pub(super) fn spec(name: &str, version: u32, indexes: &[&'static str]) -> ProjectionSpec {
    ProjectionSpec {
        id: ProjectionId::new(name, version),
        indexes: indexes.iter().map(|name| IndexSpec::new(name)).collect(),
        fingerprint: 0x9e37_79b9_7f4a_7c15,
    }
}

impl View {
    /// A prepared one, without documents.
    pub(super) async fn new(store: &Arc<dyn ViewStore>, indexes: &[&'static str]) -> Self {
        Self::named(store, "summary", 1, indexes).await
    }

    pub(super) async fn named(
        store: &Arc<dyn ViewStore>,
        name: &str,
        version: u32,
        indexes: &[&'static str],
    ) -> Self {
        let spec = spec(name, version, indexes);
        store.prepare(&spec).await.expect("a projection is prepared");
        Self { store: Arc::clone(store), id: spec.id }
    }

    pub(super) async fn checkpoint(&self) -> Option<Checkpoint> {
        self.store.checkpoint(&self.id).await.expect("a checkpoint is read")
    }

    pub(super) async fn position(&self) -> u64 {
        self.checkpoint().await.map_or(0, |checkpoint| checkpoint.position.get())
    }

    pub(super) async fn commit(&self, commit: Commit) {
        self.try_commit(commit).await.expect("a batch is written");
    }

    pub(super) async fn try_commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.store.commit(&self.id, commit).await
    }

    /// Writes documents, moving the projection on by one.
    pub(super) async fn write(&self, documents: impl IntoIterator<Item = DocumentWrite>) {
        let at = self.position().await;
        self.commit(batch(at, at + 1, documents)).await;
    }

    pub(super) async fn get(&self, key: &str) -> Option<StoredDocument> {
        self.store.get(&self.id, key).await.expect("a document is read").value.map(plain)
    }

    /// Traces included, sorted by key.
    pub(super) async fn load(&self, keys: &[&str]) -> Vec<StoredDocument> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let documents = self.store.load(&self.id, &keys).await.expect("documents are loaded");
        let mut documents: Vec<StoredDocument> = documents.into_iter().map(plain).collect();
        documents.sort_by(|a, b| a.key.cmp(&b.key));
        documents
    }

    pub(super) async fn find(&self, find: &Find) -> Vec<StoredDocument> {
        let found = self.store.find(&self.id, find).await.expect("documents are looked up").value;
        found.into_iter().map(plain).collect()
    }

    /// The keys of what is found, in order.
    pub(super) async fn keys(&self, find: &Find) -> Vec<String> {
        self.find(find).await.into_iter().map(|document| document.key).collect()
    }

    /// The keys of all documents that the filters pick, in the order of creation, as one text.
    pub(super) async fn picked(&self, filters: impl IntoIterator<Item = Filter>) -> String {
        self.keys(&all(filters)).await.join(" ")
    }

    pub(super) async fn letters(&self, after: u64, limit: usize) -> Vec<DeadLetter> {
        self.store
            .dead_letters(&self.id, None, Position::new(after), limit)
            .await
            .expect("dead letters are read")
    }

    pub(super) async fn sequences(&self) -> Vec<Sequence> {
        let mut sequences = self.store.parked_sequences(&self.id).await.expect("sequences are listed");
        sequences.sort();
        sequences
    }
}

/// With its data in the form that the suite compares.
fn plain(document: StoredDocument) -> StoredDocument {
    StoredDocument { data: document.data.as_ref().map(canonical), ..document }
}

pub(super) fn log_id() -> LogId {
    LogId::from_uuid(Uuid::from_u128(7))
}

pub(super) fn second(second: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_micros(i64::try_from(second).expect("small") * 1_000_001)
}

pub(super) fn batch(
    expected: u64,
    position: u64,
    documents: impl IntoIterator<Item = DocumentWrite>,
) -> Commit {
    let checkpoint = Checkpoint {
        log: log_id(),
        position: Position::new(position),
        head: Position::new(position + 5),
        as_of: second(position),
        parked: 0,
        last: None,
        diverged: false,
        fence: 0,
        standing: Standing::Live,
        partitions: 1,
    };
    Commit { documents: documents.into_iter().collect(), ..Commit::of(Position::new(expected), checkpoint) }
}

pub(super) fn document(key: &str, created: u64, applied: u64, data: &str) -> StoredDocument {
    StoredDocument {
        key: key.to_owned(),
        created: Position::new(created),
        applied: Position::new(applied),
        data: Some(canonical(&json(data))),
    }
}

pub(super) fn trace(key: &str, created: u64, applied: u64) -> StoredDocument {
    StoredDocument { data: None, ..document(key, created, applied, "null") }
}

/// What writes a document, or its trace.
pub(super) fn writing(document: &StoredDocument, indexes: &[IndexValue]) -> DocumentWrite {
    let change = match &document.data {
        Some(data) => Change::Put { data: data.clone().into(), indexes: indexes.to_vec() },
        None => Change::Remove,
    };
    DocumentWrite { key: document.key.clone(), created: document.created, applied: document.applied, change }
}

/// A document that was created at this position.
pub(super) fn put(key: &str, created: u64, indexes: &[IndexValue]) -> DocumentWrite {
    put_at(key, created, created, indexes)
}

/// A document that was created and last changed at these positions.
pub(super) fn put_at(key: &str, created: u64, applied: u64, indexes: &[IndexValue]) -> DocumentWrite {
    writing(&document(key, created, applied, r#"{"note":1}"#), indexes)
}

/// Removes a document that nobody has changed since it was created.
pub(super) fn remove(key: &str, created: u64) -> DocumentWrite {
    writing(&trace(key, created, created + 1), &[])
}

pub(super) fn text(text: &str) -> IndexValue {
    IndexValue::Text(text.to_owned())
}

pub(super) fn moment(millis: i64) -> IndexValue {
    IndexValue::Time(DateTime::from_millis(millis).expect("in range"))
}

pub(super) fn one_of(index: &str, values: &[IndexValue]) -> Filter {
    Filter { index: index.to_owned(), comparison: Comparison::OneOf(values.to_vec()) }
}

pub(super) fn within(index: &str, from: Option<IndexValue>, to: Option<IndexValue>) -> Filter {
    Filter { index: index.to_owned(), comparison: Comparison::Within { from, to } }
}

pub(super) fn all(filters: impl IntoIterator<Item = Filter>) -> Find {
    Find {
        filters: filters.into_iter().collect(),
        order: OrderBy::Created,
        direction: Direction::Ascending,
        after: None,
        limit: 10_000,
    }
}

pub(super) fn letter(position: u64, sequence: Sequence, reason: Reason) -> DeadLetter {
    DeadLetter {
        sequence,
        position: Position::new(position),
        event_id: EventId::from_uuid(Uuid::from_u128(position.into())),
        stream: StreamId::new("order", "it's \"1\"").expect("a valid name"),
        version: Version::new(position + 1),
        event: "order_placed".to_owned(),
        attempts: u32::from(matches!(reason, Reason::Failed(_))),
        reason,
        parked_at: second(position),
        tried_at: second(position),
    }
}

pub(super) fn of_document(key: &str) -> Sequence {
    Sequence::Document(key.to_owned())
}

/// A batch that parks events and writes nothing.
pub(super) fn parking(expected: u64, position: u64, letters: &[DeadLetter]) -> Commit {
    Commit { parked: letters.to_vec(), ..batch(expected, position, []) }
}
