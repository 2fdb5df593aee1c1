use std::collections::BTreeSet;

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{DeadLetter, ProjectionId, Reason, Sequence},
};
use rusqlite::{Connection, Row, params, types::Type};

use super::statements;
use crate::file::{integer, micros, number, timestamp, uuid, wrong};

/// Takes letters away, then parks others; answers how many events are parked now.
pub(super) fn change(
    connection: &Connection,
    projection: &ProjectionId,
    resolved: &[(Sequence, Position)],
    parked: &[DeadLetter],
) -> rusqlite::Result<u64> {
    let places = resolved.iter().map(|(_, position)| *position);
    let places: BTreeSet<Position> = places.chain(parked.iter().map(|letter| letter.position)).collect();
    let before = count_events(connection, projection, &places)?;
    resolve(connection, projection, resolved)?;
    park(connection, projection, parked)?;
    let more = count_events(connection, projection, &places)? - before;
    connection.prepare_cached(statements::RECOUNT)?.query_row(
        params![
            projection.name,
            projection.version,
            projection.generation,
            projection.partition.to_string(),
            more
        ],
        |row| number(row, 0),
    )
}

fn resolve(
    connection: &Connection,
    projection: &ProjectionId,
    letters: &[(Sequence, Position)],
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(statements::RESOLVE)?;
    let partition = projection.partition.to_string();
    for (sequence, position) in letters {
        let (category, sequence) = columns(sequence);
        delete.execute(params![
            projection.name,
            projection.version,
            projection.generation,
            partition,
            integer(position.get()),
            category,
            sequence,
        ])?;
    }
    Ok(())
}

fn park(connection: &Connection, projection: &ProjectionId, letters: &[DeadLetter]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(statements::PARK)?;
    let partition = projection.partition.to_string();
    for letter in letters {
        let (category, sequence) = columns(&letter.sequence);
        let failure = match &letter.reason {
            Reason::Failed(failure) => Some(failure),
            Reason::Queued => None,
        };
        insert.execute(params![
            projection.name,
            projection.version,
            projection.generation,
            partition,
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
            letter.attempts,
            micros(letter.tried_at),
        ])?;
    }
    Ok(())
}

/// How many events at these places are parked: one event may be in several sequences.
fn count_events(
    connection: &Connection,
    projection: &ProjectionId,
    places: &BTreeSet<Position>,
) -> rusqlite::Result<i64> {
    let mut is_parked = connection.prepare_cached(statements::IS_PARKED)?;
    let ProjectionId { name, version, generation, partition } = projection;
    let partition = partition.to_string();
    let mut count = 0;
    for position in places {
        let place = params![name, version, generation, partition, integer(position.get())];
        count += i64::from(is_parked.exists(place)?);
    }
    Ok(count)
}

pub(super) fn sequences(
    connection: &Connection,
    projection: &ProjectionId,
) -> rusqlite::Result<Vec<Sequence>> {
    connection
        .prepare_cached(statements::PARKED_SEQUENCES)?
        .query_map(
            params![
                projection.name,
                projection.version,
                projection.generation,
                projection.partition.to_string()
            ],
            |row| sequence(row, 0),
        )?
        .collect()
}

pub(super) fn letters(
    connection: &Connection,
    projection: &ProjectionId,
    of: Option<&Sequence>,
    after: Position,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let Some(others) = limit.checked_sub(1) else { return Ok(Vec::new()) };
    let ProjectionId { name, version, generation, partition } = projection;
    let partition = partition.to_string();
    let after = integer(after.get());
    let Some(sequence) = of else {
        let mut all = connection.prepare_cached(statements::DEAD_LETTERS)?;
        let page = params![name, version, generation, partition, after, integer(others as u64)];
        return all.query_map(page, letter)?.collect();
    };
    let (category, sequence) = columns(sequence);
    let mut of_one = connection.prepare_cached(statements::DEAD_LETTERS_OF)?;
    let page =
        params![name, version, generation, partition, after, integer(limit as u64), category, sequence];
    of_one.query_map(page, letter)?.collect()
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
        attempts: row.get(10)?,
        tried_at: timestamp(row, 11)?,
    })
}

/// The two columns of a sequence.
fn columns(sequence: &Sequence) -> (&str, &str) {
    match sequence {
        Sequence::Document(key) => ("", key),
        Sequence::Stream(stream) => (stream.category(), stream.id()),
    }
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
