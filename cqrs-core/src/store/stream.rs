use super::{RecordedCommand, Snapshot};
use crate::envelope::{CommandId, Position, RecordedEvent, StreamId, Version};

/// What deciding a command needs to know of a stream: asked for at once, so that it costs one round trip.
#[derive(Clone, Debug)]
pub struct Load<'a> {
    /// The stream.
    pub stream: &'a StreamId,
    /// Take a snapshot of this shape, if there is one whose [last](Snapshot::last) event the stream has, and only the
    /// events after it.
    pub snapshot: Option<u64>,
    /// Look up whether this command has been recorded.
    pub command: Option<CommandId>,
}

/// What a store knows of a stream, all of one moment.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The newest snapshot of the wanted shape, if the stream has its [last](Snapshot::last) event.
    pub snapshot: Option<Snapshot>,
    /// All events after the snapshot, or all, in order.
    pub events: Vec<RecordedEvent>,
    /// The head of the log.
    pub head: Position,
    /// The command that was asked for, where the log knows it.
    pub command: Option<RecordedCommand>,
}

/// Which events of a stream to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamRead {
    /// Oldest first, those after this version.
    After(Version),
    /// Newest first, those before this version; `None`: from the end.
    Before(Option<Version>),
}
