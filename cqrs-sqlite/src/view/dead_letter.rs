use std::collections::BTreeSet;

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{DeadLetter, ProjectionId, Reason, Sequence},
};
use rusqlite::{Connection, Row, params, types::Type};

use super::statements;
use crate::file::{integer, micros, number, timestamp, uuid, wrong};

pub(super) fn park(
    connection: &Connection,
    projection: &ProjectionId,
    letters: &[DeadLetter],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(statements::PARK)?;
    for letter in letters {
        let (category, sequence) = match &letter.sequence {
            Sequence::Document(key) => ("", key.as_str()),
            Sequence::Stream(stream) => (stream.category(), stream.id()),
        };
        let failure = match &letter.reason {
            Reason::Failed(failure) => Some(failure),
            Reason::Queued => None,
        };
        insert.execute(params![
            projection.name,
            projection.version,
            integer(letter.position.get()),
            category,
            sequence,
            letter.event_id.as_uuid().as_bytes(),
            letter.stream.category(),
            letter.stream.id(),
            integer(letter.version.get()),
            letter.event,
            failure,
            micros(letter.parked_at),
        ])?;
    }
    Ok(())
}

/// How many events are parked by these letters, and were not before: one event may be in several sequences.
pub(super) fn count_events(
    connection: &Connection,
    projection: &ProjectionId,
    letters: &[DeadLetter],
) -> rusqlite::Result<u64> {
    let mut is_parked = connection.prepare_cached(statements::IS_PARKED)?;
    let mut count = 0;
    for position in letters.iter().map(|letter| letter.position).collect::<BTreeSet<_>>() {
        let known =
            is_parked.exists(params![projection.name, projection.version, integer(position.get())])?;
        count += u64::from(!known);
    }
    Ok(count)
}

pub(super) fn sequences(
    connection: &Connection,
    projection: &ProjectionId,
) -> rusqlite::Result<Vec<Sequence>> {
    connection
        .prepare_cached(statements::PARKED_SEQUENCES)?
        .query_map(params![projection.name, projection.version], |row| sequence(row, 0))?
        .collect()
}

pub(super) fn letters(
    connection: &Connection,
    projection: &ProjectionId,
    after: Position,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let Some(others) = limit.checked_sub(1) else { return Ok(Vec::new()) };
    connection
        .prepare_cached(statements::DEAD_LETTERS)?
        .query_map(
            params![projection.name, projection.version, integer(after.get()), integer(others as u64)],
            letter,
        )?
        .collect()
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let failure: Option<String> = row.get(8)?;
    Ok(DeadLetter {
        sequence: sequence(row, 1)?,
        position: Position::new(number(row, 0)?),
        event_id: EventId::from_uuid(uuid(row, 3)?),
        stream: stream(row, 4)?,
        version: Version::new(number(row, 6)?),
        event: row.get(7)?,
        reason: failure.map_or(Reason::Queued, Reason::Failed),
        parked_at: timestamp(row, 9)?,
    })
}

fn sequence(row: &Row<'_>, column: usize) -> rusqlite::Result<Sequence> {
    if row.get_ref(column)?.as_str()?.is_empty() {
        Ok(Sequence::Document(row.get(column + 1)?))
    } else {
        stream(row, column).map(Sequence::Stream)
    }
}

fn stream(row: &Row<'_>, column: usize) -> rusqlite::Result<StreamId> {
    StreamId::new(row.get_ref(column)?.as_str()?, row.get_ref(column + 1)?.as_str()?)
        .map_err(|error| wrong(column, Type::Text, error))
}
