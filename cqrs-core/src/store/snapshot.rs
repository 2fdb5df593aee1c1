use super::{BoxFuture, Error};
use crate::envelope::{Json, StreamId, Version};

/// The state of an aggregate at a version of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The version up to which events are folded in.
    pub version: Version,
    /// The shape of the state and of the code that folded it; a snapshot of another shape is of no use.
    pub fingerprint: u64,
    /// The state.
    pub data: Json,
}

/// Keeps the newest snapshot of each stream. A cache: it may lose anything at any time, and never the truth.
pub trait SnapshotStore: Send + Sync + 'static {
    /// The snapshot of a stream, if it has this shape.
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>>;

    /// Keeps a snapshot, unless the one that is kept has the same shape and is as new. One of another shape is
    /// replaced, however new it is.
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>>;

    /// Drops all snapshots of a category; the next load of each stream reads its events.
    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>>;
}
