use std::sync::Arc;

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
    store::{CommandRecord, RecordedCommand, Snapshot},
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params, types::Type};

use super::statements;
use crate::file::{integer, number, timestamp, uuid, wrong};

pub(super) fn head(connection: &Connection) -> rusqlite::Result<Position> {
    connection.prepare_cached(statements::HEAD)?.query_row([], |row| number(row, 0)).map(Position::new)
}

pub(super) fn id_at(connection: &Connection, position: Position) -> rusqlite::Result<Option<EventId>> {
    connection
        .prepare_cached(statements::ID_AT)?
        .query_row([integer(position.get())], |row| uuid(row, 0).map(EventId::from_uuid))
        .optional()
}

pub(super) fn events(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<RecordedEvent>> {
    let mut events = Events::default();
    connection.prepare_cached(sql)?.query_map(params, |row| events.read(row))?.collect()
}

/// Reads events one after the other: what neighbours have in common is read once, and shared.
#[derive(Debug, Default)]
struct Events {
    stream: Option<StreamId>,
    category: Arc<str>,
    metadata: Option<(String, Arc<Metadata>)>,
}

impl Events {
    fn read(&mut self, row: &Row<'_>) -> rusqlite::Result<RecordedEvent> {
        Ok(RecordedEvent {
            event_id: EventId::from_uuid(uuid(row, 1)?),
            stream: self.stream(row)?,
            version: Version::new(number(row, 4)?),
            position: Position::new(number(row, 0)?),
            name: row.get::<_, String>(5)?.into(),
            schema_version: u32::try_from(number(row, 6)?)
                .ok()
                .and_then(SchemaVersion::new)
                .ok_or_else(|| wrong(6, Type::Integer, "no schema version"))?,
            data: json(row, 9)?,
            metadata: self.metadata(row)?,
        })
    }

    fn stream(&mut self, row: &Row<'_>) -> rusqlite::Result<StreamId> {
        let (category, id) = (row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?);
        if let Some(stream) = &self.stream
            && (stream.category(), stream.id()) == (category, id)
        {
            return Ok(stream.clone());
        }
        if *self.category != *category {
            self.category = category.into();
        }
        let stream =
            StreamId::new(Arc::clone(&self.category), id).map_err(|error| wrong(2, Type::Text, error))?;
        self.stream = Some(stream.clone());
        Ok(stream)
    }

    fn metadata(&mut self, row: &Row<'_>) -> rusqlite::Result<Arc<Metadata>> {
        let (time, text) = (timestamp(row, 7)?, row.get_ref(8)?.as_str()?);
        if let Some((known, metadata)) = &self.metadata
            && known == text
            && metadata.time == time
        {
            return Ok(Arc::clone(metadata));
        }
        let metadata = Metadata::from_store(text, time).map_err(|error| wrong(8, Type::Text, error))?;
        let metadata = Arc::new(metadata);
        let (known, shared) = self.metadata.get_or_insert_with(|| (String::new(), Arc::clone(&metadata)));
        known.clear();
        known.push_str(text);
        shared.clone_from(&metadata);
        Ok(metadata)
    }
}

fn stream(row: &Row<'_>, column: usize) -> rusqlite::Result<StreamId> {
    StreamId::new(row.get_ref(column)?.as_str()?, row.get_ref(column + 1)?.as_str()?)
        .map_err(|error| wrong(column, Type::Text, error))
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Json> {
    row.get_ref(column)?.as_str().map(Json::from_store).map_err(Into::into)
}

/// A command, with its events.
pub(super) fn command(connection: &Connection, id: CommandId) -> rusqlite::Result<Option<RecordedCommand>> {
    let found = connection
        .prepare_cached(statements::COMMAND)?
        .query_row([id.as_uuid().as_bytes()], |row| {
            let record = CommandRecord {
                id,
                fingerprint: uuid(row, 0)?,
                stream: stream(row, 1)?,
                answer: row.get(6)?,
            };
            let (version, position) = (Version::new(number(row, 3)?), Position::new(number(row, 4)?));
            Ok((RecordedCommand { record, version, position, events: Vec::new() }, number(row, 5)?))
        })
        .optional()?;
    let Some((mut command, count)) = found else { return Ok(None) };
    if count > 0 {
        let last = integer(command.position.get());
        let before = last.saturating_sub(integer(count));
        command.events = events(connection, statements::BETWEEN, params![before, last, -1])?;
    }
    Ok(Some(command))
}

/// By a statement that finds one.
pub(super) fn snapshot(
    connection: &Connection,
    sql: &str,
    stream: &StreamId,
    fingerprint: u64,
) -> rusqlite::Result<Option<Snapshot>> {
    connection
        .prepare_cached(sql)?
        .query_row(params![stream.category(), stream.id(), fingerprint.cast_signed()], |row| {
            Ok(Snapshot {
                stream: stream.clone(),
                version: Version::new(number(row, 0)?),
                last: EventId::from_uuid(uuid(row, 1)?),
                fingerprint,
                data: json(row, 2)?,
            })
        })
        .optional()
}
