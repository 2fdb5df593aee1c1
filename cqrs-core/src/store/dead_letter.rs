use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::{EventId, Position, RecordedEvent, StreamId, Version};

/// What is parked together, because its events depend on their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// The events of one document, by its key.
    Document(String),
    /// The events of one stream: where an event can't be read, and which documents it belongs to can't be known.
    Stream(StreamId),
}

/// An event that a projection has put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// What waits with it.
    pub sequence: Sequence,
    /// The event's place in the log, where its data stays.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
    /// The event's stream.
    pub stream: StreamId,
    /// The event's place in its stream.
    pub version: Version,
    /// The event's name.
    pub event: String,
    /// Why it was put aside.
    pub reason: Reason,
    /// When.
    pub parked_at: Timestamp,
    /// How often it was tried to fold it in, in vain; 0 for one that only queues.
    pub attempts: u32,
    /// When it was tried the last time, or parked, if it never was.
    pub tried_at: Timestamp,
}

impl DeadLetter {
    /// Puts an event aside for the first time.
    pub fn of(event: &RecordedEvent, sequence: Sequence, reason: Reason, now: Timestamp) -> Self {
        let attempts = u32::from(matches!(reason, Reason::Failed(_)));
        Self {
            sequence,
            position: event.position,
            event_id: event.event_id,
            stream: event.stream.clone(),
            version: event.version,
            event: event.name.clone().into_owned(),
            reason,
            parked_at: now,
            attempts,
            tried_at: now,
        }
    }
}

/// Why an event was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It could not be read or folded: the error with its causes.
    Failed(String),
    /// An earlier event of its sequence is parked.
    Queued,
}
