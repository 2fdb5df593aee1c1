use std::collections::BTreeMap;

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{DeadLetter, Reason, Sequence},
};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::convert::{Moment, escaped, unescaped};
use crate::database::{Column as _, integer};

/// What one batch changes about dead letters, column by column.
#[derive(Debug, Default)]
pub(super) struct Letters {
    position: Vec<i64>,
    sequence_id: Vec<Uuid>,
    sequence_category: Vec<String>,
    sequence: Vec<String>,
    event_id: Vec<Uuid>,
    category: Vec<String>,
    stream_id: Vec<String>,
    version: Vec<i64>,
    event: Vec<String>,
    failure: Vec<Option<String>>,
    parked_at: Vec<Moment>,
    attempts: Vec<i64>,
    tried_at: Vec<Moment>,
    resolved_position: Vec<i64>,
    resolved_sequence_id: Vec<Uuid>,
}

impl Letters {
    /// `None` where there are none. Of two for the same place the later one stays.
    pub(super) fn new(letters: &[DeadLetter], resolved: &[(Sequence, Position)]) -> Option<Self> {
        let each: BTreeMap<_, _> =
            letters.iter().map(|letter| ((letter.position, &letter.sequence), letter)).collect();
        if each.is_empty() && resolved.is_empty() {
            return None;
        }
        let mut columns = Self::default();
        // What is parked again is replaced: one statement can't delete a row and write it anew.
        for (sequence, position) in resolved.iter().filter(|(of, at)| !each.contains_key(&(*at, of))) {
            columns.resolved_position.push(integer(position.get()));
            columns.resolved_sequence_id.push(sequence_id(sequence));
        }
        for letter in each.into_values() {
            columns.push(letter);
        }
        Some(columns)
    }

    fn push(&mut self, letter: &DeadLetter) {
        let (category, sequence) = columns(&letter.sequence);
        self.position.push(integer(letter.position.get()));
        self.sequence_id.push(sequence_id(&letter.sequence));
        self.sequence_category.push(escaped(category));
        self.sequence.push(escaped(sequence));
        self.event_id.push(letter.event_id.as_uuid());
        self.category.push(escaped(letter.stream.category()));
        self.stream_id.push(escaped(letter.stream.id()));
        self.version.push(integer(letter.version.get()));
        self.event.push(escaped(&letter.event));
        self.failure.push(match &letter.reason {
            Reason::Failed(failure) => Some(escaped(failure)),
            Reason::Queued => None,
        });
        self.parked_at.push(Moment(letter.parked_at));
        self.attempts.push(letter.attempts.into());
        self.tried_at.push(Moment(letter.tried_at));
    }

    /// Binds the values of `park.sql`, then those of `resolve.sql`.
    pub(super) fn bind<'q>(
        &'q self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(&self.position)
            .bind(&self.sequence_id)
            .bind(&self.sequence_category)
            .bind(&self.sequence)
            .bind(&self.event_id)
            .bind(&self.category)
            .bind(&self.stream_id)
            .bind(&self.version)
            .bind(&self.event)
            .bind(&self.failure)
            .bind(&self.parked_at)
            .bind(&self.attempts)
            .bind(&self.tried_at)
            .bind(&self.resolved_position)
            .bind(&self.resolved_sequence_id)
    }
}

/// The two columns of a sequence.
fn columns(sequence: &Sequence) -> (&str, &str) {
    match sequence {
        Sequence::Document(key) => ("", key),
        Sequence::Stream(stream) => (stream.category(), stream.id()),
    }
}

/// A category has no control characters, so that no two sequences are one text.
pub(super) fn sequence_id(sequence: &Sequence) -> Uuid {
    let (category, sequence) = columns(sequence);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{category}\0{sequence}").as_bytes())
}

/// Reads a row of `dead_letters.sql`.
pub(super) fn letter(row: &PgRow) -> sqlx::Result<DeadLetter> {
    let failure = row.optional_text(8)?.map(unescaped);
    Ok(DeadLetter {
        position: Position::new(row.u64(0)?),
        sequence: sequence(row, 1)?,
        event_id: EventId::from_uuid(row.uuid(3)?),
        stream: stream(row, 4)?,
        version: Version::new(row.u64(6)?),
        event: unescaped(row.text(7)?),
        reason: failure.map_or(Reason::Queued, Reason::Failed),
        parked_at: row.timestamp(9)?,
        attempts: row.u32(10)?,
        tried_at: row.timestamp(11)?,
    })
}

/// Reads a sequence, whose two columns begin at this one.
pub(super) fn sequence(row: &PgRow, column: usize) -> sqlx::Result<Sequence> {
    if row.text(column)?.is_empty() {
        Ok(Sequence::Document(unescaped(row.text(column + 1)?)))
    } else {
        stream(row, column).map(Sequence::Stream)
    }
}

fn stream(row: &PgRow, column: usize) -> sqlx::Result<StreamId> {
    let (category, id) = (unescaped(row.text(column)?), unescaped(row.text(column + 1)?));
    StreamId::new(category, id)
        .map_err(|error| sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() })
}
