use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Error, Past};
use crate::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
};

/// Events to append, all or none, where all conditions hold.
///
/// Without events it only records its [command](Self::command), on the same conditions.
#[derive(Clone, Debug)]
pub struct Append {
    /// What must hold when the events are appended.
    pub conditions: Vec<Condition>,
    /// What the conditions rest on: the past of [the append](Appended::past) that has brought their streams to the expected
    /// versions. As long as the log has it, the streams are there, or further; the store need not look whether they are.
    ///
    /// [`Past::UNKNOWN`] where the versions are known from elsewhere: then the store looks.
    pub past: Past,
    /// The events, of one stream or several, in the order of their positions to be.
    pub events: Vec<NewEvent>,
    /// The metadata of all of them; its `time` is not used, the store stamps its own.
    pub metadata: Metadata,
    /// Makes the append idempotent: recorded with the events, and unique.
    pub command: Option<CommandRecord>,
}

/// What must hold when an append happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The stream is at just this version; [`Version::ZERO`]: it has no events yet.
    Version {
        /// The stream.
        stream: StreamId,
        /// Its version.
        expected: Version,
    },
}

/// An event that is to be appended.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub event_id: EventId,
    /// The stream that it goes to.
    pub stream: StreamId,
    /// Its stable name.
    pub name: Cow<'static, str>,
    /// The schema version that its data is in.
    pub schema_version: SchemaVersion,
    /// Its data.
    pub data: Json,
}

/// What the log keeps of a command, so that the same command is not run twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The command's id.
    pub id: CommandId,
    /// Tells this command from another one that comes with the same id.
    pub fingerprint: Uuid,
    /// The stream that the command went to.
    pub stream: StreamId,
    /// What the application answered, where it wants to remember more than the events: a rejection.
    pub answer: Option<String>,
}

/// A command that the log knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCommand {
    /// As it was recorded.
    pub record: CommandRecord,
    /// The version of its stream after it.
    pub version: Version,
    /// The position of its last event, or, where it led to none, the head of the log when it was recorded.
    pub position: Position,
    /// Its events.
    pub events: Vec<RecordedEvent>,
}

/// What became of an append.
#[derive(Clone, Debug)]
pub enum AppendOutcome {
    /// The events are in the log, durably.
    Appended(Appended),
    /// The command's id is known: nothing was appended, and this is what happened the first time. Conditions are
    /// not looked at. Whether it is the same command is for the caller to compare.
    Repeated(Box<RecordedCommand>),
}

/// Where appended events went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The places of the events, in the order in which they were given.
    pub events: Vec<Written>,
    /// When they were recorded.
    pub time: Timestamp,
    /// The position of the last event, or, without events, the head of the log.
    pub position: Position,
    /// The past that the log now has, for [conditions](Append::past) that rest on this append. [`Past::UNKNOWN`] where it has no
    /// events: then it does not show how its streams have got to their versions.
    pub past: Past,
}

/// The place of one appended event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its place in its stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A condition does not hold: somebody else was faster.
    #[error("the stream {stream} is at version {actual}, not at {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The version that the append was made for.
        expected: Version,
        /// The version that the stream is at.
        actual: Version,
    },
    /// The log does not have the past any more that the conditions rest on: it was put back to an earlier state, or has
    /// lost its newest events. What was known of its streams is to be loaded again.
    #[error("the log was put back to an earlier state, or has lost its newest events")]
    OtherPast,
    /// An event's data is larger than the store takes.
    #[error("the event `{event}` has {size} bytes of data, but the limit is {limit}")]
    TooLarge {
        /// The event's name.
        event: String,
        /// The length of its data.
        size: usize,
        /// The most that the store takes.
        limit: usize,
    },
    /// More events at once than the store takes.
    #[error("{count} events in one append, but the limit is {limit}")]
    TooMany {
        /// How many there were.
        count: usize,
        /// The most that the store takes.
        limit: usize,
    },
    /// An event id that the log has already: every new event needs an id of its own.
    #[error("the event id {event_id} is in the log already")]
    DuplicateEventId {
        /// The id.
        event_id: EventId,
    },
    /// Too many appends are waiting; try again later.
    #[error("{limit} appends are waiting already")]
    Busy {
        /// How many may wait.
        limit: usize,
    },
    /// The connection was lost during the commit, and the store could not find out in time what became of it. The
    /// same append with the same command id can be sent again without harm.
    #[error("it is not known whether the events were appended")]
    OutcomeUnknown {
        /// What was lost.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store itself.
    #[error(transparent)]
    Store(#[from] Error),
}

impl AppendError {
    /// The same append may work later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::OutcomeUnknown { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
