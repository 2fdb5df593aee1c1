use super::{BoxFuture, Error};
use crate::envelope::{EventId, Json, StreamId, Version};

/// The state of an aggregate at a version of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The version up to which events are folded in.
    pub version: Version,
    /// The id of the event at `version`. A [load](super::EventStore::load) takes the snapshot only where the stream has just
    /// that event there: the log may have been put back to an earlier state since, and gone on in another way.
    pub last: EventId,
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
    /// replaced, however new it is. Where the store has the stream's events too, so is one whose [last](Snapshot::last)
    /// event the stream does not have, by one whose event it has.
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>>;

    /// Drops all snapshots of a category; the next load of each stream reads its events.
    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>>;
}
