//! What statements answer. All of them have the same columns; the first tells which kind of row it is.

use std::sync::Arc;

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
    store::{CommandRecord, RecordedCommand},
};
use jiff::Timestamp;
use sqlx::{Row as _, error::BoxDynError, postgres::PgRow};

use crate::database::Column as _;

const TAG: usize = 0;
const POSITION: usize = 1;
const VERSION: usize = 2;
const RECORDED_AT: usize = 3;
const EVENT_ID: usize = 4;
const SCHEMA_VERSION: usize = 5;
const NAME: usize = 6;
const METADATA: usize = 7;
const DATA: usize = 8;
const CATEGORY: usize = 9;
const STREAM_ID: usize = 10;

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The head of the log; missing where the log is empty.
    Head,
    Event,
    Snapshot,
    /// A command: its fingerprint as the event's id, the number of its events as the schema version, its answer as the
    /// name.
    Command,
    /// An event that a command has led to.
    EventOfCommand,
    /// An event at an end of a stretch of the log, of which only position and id are read.
    Bound,
}

/// The kind, and for which of several loads the row is, from 1.
pub(super) fn tag(row: &PgRow) -> sqlx::Result<(Kind, usize)> {
    let tag = row.i32(TAG)?;
    let kind = match tag % 8 {
        0 => Kind::Head,
        1 => Kind::Event,
        2 => Kind::Snapshot,
        3 => Kind::Command,
        4 => Kind::EventOfCommand,
        5 => Kind::Bound,
        _ => return Err(wrong(TAG, format!("is no tag: {tag}"))),
    };
    Ok((kind, usize::try_from(tag / 8).map_err(|error| wrong(TAG, error))?))
}

pub(super) fn position(row: &PgRow) -> sqlx::Result<Position> {
    row.u64(POSITION).map(Position::new)
}

pub(super) fn version(row: &PgRow) -> sqlx::Result<Version> {
    row.u64(VERSION).map(Version::new)
}

pub(super) fn event_id(row: &PgRow) -> sqlx::Result<EventId> {
    row.uuid(EVENT_ID).map(EventId::from_uuid)
}

pub(super) fn data(row: &PgRow) -> sqlx::Result<Json> {
    row.text(DATA).map(Json::from_store)
}

/// Reads events one after the other: what neighbours have in common is read once, and shared.
#[derive(Debug, Default)]
pub(super) struct Events {
    stream: Option<StreamId>,
    metadata: Option<(String, Arc<Metadata>)>,
}

impl Events {
    /// Events of one stream, whose rows don't say so.
    pub(super) fn of(stream: &StreamId) -> Self {
        Self { stream: Some(stream.clone()), metadata: None }
    }

    pub(super) fn read(&mut self, row: &PgRow) -> sqlx::Result<RecordedEvent> {
        let time = row.timestamp(RECORDED_AT)?;
        Ok(RecordedEvent {
            event_id: event_id(row)?,
            stream: self.stream(row)?,
            version: version(row)?,
            position: position(row)?,
            name: row.text(NAME)?.to_owned().into(),
            schema_version: u32::try_from(row.i32(SCHEMA_VERSION)?)
                .ok()
                .and_then(SchemaVersion::new)
                .ok_or_else(|| wrong(SCHEMA_VERSION, "is no schema version"))?,
            data: data(row)?,
            metadata: self.metadata(row.text(METADATA)?, time)?,
        })
    }

    fn stream(&mut self, row: &PgRow) -> sqlx::Result<StreamId> {
        let category = if row.len() > CATEGORY { row.optional_text(CATEGORY)? } else { None };
        if let Some(stream) = &self.stream
            && category.is_none_or(|category| category == stream.category())
            && (category.is_none() || row.text(STREAM_ID)? == stream.id())
        {
            return Ok(stream.clone());
        }
        let stream = stream(row)?;
        self.stream = Some(stream.clone());
        Ok(stream)
    }

    fn metadata(&mut self, text: &str, time: Timestamp) -> sqlx::Result<Arc<Metadata>> {
        if let Some((known, metadata)) = &self.metadata
            && known == text
            && metadata.time == time
        {
            return Ok(Arc::clone(metadata));
        }
        let metadata = Metadata::from_store(text, time).map_err(|error| wrong(METADATA, error))?;
        let metadata = Arc::new(metadata);
        let (known, shared) = self.metadata.get_or_insert_with(|| (String::new(), Arc::clone(&metadata)));
        known.clear();
        known.push_str(text);
        shared.clone_from(&metadata);
        Ok(metadata)
    }
}

fn stream(row: &PgRow) -> sqlx::Result<StreamId> {
    StreamId::new(row.text(CATEGORY)?, row.text(STREAM_ID)?).map_err(|error| wrong(CATEGORY, error))
}

/// A command, without its events.
pub(super) fn command(row: &PgRow, id: CommandId) -> sqlx::Result<RecordedCommand> {
    Ok(RecordedCommand {
        record: CommandRecord {
            id,
            fingerprint: row.uuid(EVENT_ID)?,
            stream: stream(row)?,
            answer: row.optional_text(NAME)?.map(str::to_owned),
        },
        version: version(row)?,
        position: position(row)?,
        events: Vec::new(),
    })
}

/// A stored value is none that the store has written.
pub(super) fn wrong(column: usize, error: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() }
}
