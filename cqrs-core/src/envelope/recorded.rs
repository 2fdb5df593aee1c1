use std::{borrow::Cow, sync::Arc};

use super::{EventId, Json, Metadata, Position, StreamId, Version};
use crate::domain::{DecodeError, Event, SchemaVersion};

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its own id.
    pub event_id: EventId,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// Its stable name.
    pub name: Cow<'static, str>,
    /// The schema version that its data is in.
    pub schema_version: SchemaVersion,
    /// Its data.
    pub data: Json,
    /// All else; [`Metadata::time`] is when it was recorded. The events of one append share it.
    pub metadata: Arc<Metadata>,
}

impl RecordedEvent {
    /// Reads the data, upcast to the newest schema.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`].
    pub fn decode<E: Event>(&self) -> Result<E, DecodeError> {
        E::decode(&self.name, self.schema_version, &self.data)
    }
}

/// A typed event with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded<E> {
    /// Its own id.
    pub event_id: EventId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// The event.
    pub event: E,
}

/// A typed event with all that the log knows of it, as a projection with writing of its own is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered<E> {
    /// Its own id.
    pub event_id: EventId,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// All else; [`Metadata::time`] is when it was recorded.
    pub metadata: Arc<Metadata>,
    /// The event, in its newest schema.
    pub event: E,
}
