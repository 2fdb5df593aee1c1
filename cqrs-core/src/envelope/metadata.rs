use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CommandId, EventId, RecordedEvent};

/// What is known about a command or an event besides its data.
///
/// It flows by itself: the events of a command take over its metadata, and a command
/// [caused by](Metadata::caused_by) an event goes on with that event's correlation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// Of a command: when it was accepted. Of an event: when the log recorded it, never before an earlier event of
    /// the log. In UTC, to the microsecond.
    #[serde(skip)]
    pub time: Timestamp,
    /// The same for all that follows from one request.
    pub correlation_id: Uuid,
    /// The id of the message that led directly to this one: of an event, its command's; of a command, that of the
    /// event which it follows, if it follows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The command, or the command that led to the event.
    pub command_id: CommandId,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// On whose behalf, in a system that serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The trace that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// W3C Trace Context, as the two HTTP headers carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The `traceparent` header.
    pub traceparent: String,
    /// The `tracestate` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

impl Metadata {
    /// Metadata of a command that comes from outside: a correlation of its own.
    pub fn of_command(command_id: CommandId, time: Timestamp) -> Self {
        Self {
            time,
            correlation_id: command_id.as_uuid(),
            causation_id: None,
            command_id,
            actor: None,
            tenant: None,
            trace: None,
            headers: BTreeMap::new(),
        }
    }

    /// Metadata of a command that follows from an event: the event's correlation, actor, tenant and trace go on,
    /// and the event is its cause.
    pub fn caused_by(event: &RecordedEvent, command_id: CommandId, time: Timestamp) -> Self {
        Self {
            time,
            command_id,
            causation_id: Some(event.event_id.as_uuid()),
            headers: BTreeMap::new(),
            ..Self::clone(&event.metadata)
        }
    }

    /// Metadata of the events that this command leads to. Its own cause is kept in the header
    /// [`CAUSED_BY`](Self::CAUSED_BY).
    #[must_use]
    pub fn for_events(&self) -> Self {
        let mut metadata = Self { causation_id: Some(self.command_id.as_uuid()), ..self.clone() };
        if let Some(cause) = self.causation_id {
            metadata.headers.insert(Self::CAUSED_BY.to_owned(), cause.to_string());
        }
        metadata
    }

    /// The header that names the event which led to an event's command.
    pub const CAUSED_BY: &'static str = "caused-by";

    /// The event that led to the command of this event, where one did.
    pub fn caused_by_event(&self) -> Option<EventId> {
        self.headers.get(Self::CAUSED_BY)?.parse().ok()
    }
}
