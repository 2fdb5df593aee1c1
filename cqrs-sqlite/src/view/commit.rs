use std::fmt::Write as _;

use cqrs_core::{
    domain::IndexValue,
    envelope::Json,
    store::{Change, Checkpoint, Commit, CommitError, DocumentWrite, Error, ProjectionId},
};
use rusqlite::{Connection, Statement, params};

use super::{dead_letter, names, projection::Known, statements, value};
use crate::file::{Doing, execute, integer, micros, number};

const DOING: &str = "writes a batch of a projection";

/// A batch within the store's limits.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) projection: ProjectionId,
    pub(super) commit: Commit,
    /// The indexes in the order in which this program declares them; `None` where it has not.
    pub(super) declared: Option<Vec<String>>,
}

impl Batch {
    /// How many rows it changes.
    pub(super) fn rows(&self) -> usize {
        let Commit { documents, parked, resolved, .. } = &self.commit;
        (documents.len() + parked.len() + resolved.len()).max(1)
    }

    /// Writes it within a transaction that may write, which is for the caller to end. If it is refused, it has changed nothing.
    pub(super) fn write_or_undo(&self, connection: &Connection) -> Result<Checkpoint, CommitError> {
        // A bare one is refused before it changes anything.
        if self.commit.is_bare() {
            return self.write(connection);
        }
        execute(connection, "SAVEPOINT batch").doing(DOING)?;
        let written = self.write(connection);
        if written.is_err() {
            execute(connection, "ROLLBACK TO batch").doing(DOING)?;
        }
        execute(connection, "RELEASE batch").doing(DOING)?;
        written
    }

    /// The same for the only batch of its transaction, which is not committed then.
    pub(super) fn write(&self, connection: &Connection) -> Result<Checkpoint, CommitError> {
        let Self { projection, commit, declared } = self;
        let checkpoint = &commit.checkpoint;
        let Some(known) = Known::find(connection, projection).doing(DOING)? else {
            let what = format!("the projection {projection} was never prepared: call `prepare` first");
            return Err(Error::invalid(what).into());
        };
        if let Some(refusal) = refusal(projection, commit, &known) {
            return Err(refusal);
        }
        let declared = declared.as_ref().unwrap_or(&known.indexes);
        let places = places(projection, &known.indexes, declared)?;
        let mut parked = advance(connection, projection, &commit.checkpoint).doing(DOING)?;
        if !commit.parked.is_empty() || !commit.resolved.is_empty() {
            parked =
                dead_letter::change(connection, projection, &commit.resolved, &commit.parked).doing(DOING)?;
        }
        if !commit.documents.is_empty() {
            upsert(connection, projection, &known.indexes, &places, declared.len(), commit)?;
        }
        Ok(Checkpoint { parked, ..*checkpoint })
    }
}

/// Why a batch must not move the projection on: it is not where the batch begins, or a writer with a greater fencing
/// number was there.
fn refusal(projection: &ProjectionId, commit: &Commit, known: &Known) -> Option<CommitError> {
    let (fence, newest) = (commit.checkpoint.fence, known.fence());
    if fence < newest {
        return Some(CommitError::Fenced { projection: projection.clone(), fence, newest });
    }
    let (expected, actual) = (commit.expected, known.position());
    (expected != actual).then(|| CommitError::Superseded { projection: projection.clone(), expected, actual })
}

/// Where, in what this program declares, the projection's indexes are.
fn places(projection: &ProjectionId, columns: &[String], declared: &[String]) -> Result<Vec<usize>, Error> {
    let places: Option<Vec<usize>> =
        columns.iter().map(|column| declared.iter().position(|index| index == column)).collect();
    places.ok_or_else(|| {
        Error::invalid(format!(
            "another program has prepared {projection} with the indexes {columns:?}, but this one declares {declared:?}"
        ))
    })
}

/// Moves the projection on; answers how many events were parked before.
fn advance(
    connection: &Connection,
    projection: &ProjectionId,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<u64> {
    let log = checkpoint.log.as_uuid();
    connection.prepare_cached(statements::ADVANCE)?.query_row(
        params![
            projection.name,
            projection.version,
            projection.generation,
            projection.partition.to_string(),
            log.as_bytes(),
            integer(checkpoint.position.get()),
            integer(checkpoint.head.get()),
            micros(checkpoint.as_of),
            checkpoint.last.map(|id| *id.as_uuid().as_bytes()),
            checkpoint.diverged,
            integer(checkpoint.fence),
            checkpoint.standing.to_string(),
            checkpoint.partitions,
        ],
        |row| number(row, 0),
    )
}

fn upsert(
    connection: &Connection,
    projection: &ProjectionId,
    columns: &[String],
    places: &[usize],
    declared: usize,
    commit: &Commit,
) -> Result<(), Error> {
    let [update, upsert] = statements_of(projection, columns);
    let mut update = connection.prepare_cached(&update).doing(DOING)?;
    let mut upsert = connection.prepare_cached(&upsert).doing(DOING)?;
    for document in &commit.documents {
        if let Change::Put { indexes, .. } = &document.change
            && indexes.len() != declared
        {
            return Err(Error::invalid(format!(
                "the document {:?} of {projection} has {} index values, but {} indexes are declared",
                document.key,
                indexes.len(),
                declared
            )));
        }
        // One that this batch has created, or removed, there is mostly no row of that could stay as it is.
        let is_there = document.created <= commit.expected && matches!(document.change, Change::Put { .. });
        if !is_there || change(&mut update, document, places).doing(DOING)? == 0 {
            change(&mut upsert, document, places).doing(DOING)?;
        }
    }
    Ok(())
}

/// Runs one of the two statements with a document; answers how many rows it has changed.
fn change(
    statement: &mut Statement<'_>,
    document: &DocumentWrite,
    places: &[usize],
) -> rusqlite::Result<usize> {
    let (data, indexes) = match &document.change {
        Change::Put { data, indexes } => (data.as_text(), indexes.as_slice()),
        Change::Remove => (None, [].as_slice()),
    };
    statement.raw_bind_parameter(1, &*document.key)?;
    statement.raw_bind_parameter(2, integer(document.created.get()))?;
    statement.raw_bind_parameter(3, integer(document.applied.get()))?;
    statement.raw_bind_parameter(4, data.map(Json::as_str))?;
    for (at, place) in places.iter().enumerate() {
        match indexes.get(*place).unwrap_or(&IndexValue::Null) {
            // The common case, without a copy.
            IndexValue::Text(text) => statement.raw_bind_parameter(at + 5, &**text)?,
            value => statement.raw_bind_parameter(at + 5, value::stored(value))?,
        }
    }
    statement.raw_execute()
}

/// One that changes a document and leaves the indexes alone, where their values are the same: the common case, which
/// costs half as much. And one for all other cases.
fn statements_of(projection: &ProjectionId, indexes: &[String]) -> [String; 2] {
    let table = names::table(projection);
    let mut same = String::new();
    let [mut columns, mut values, mut updates] = [const { String::new() }; 3];
    for (at, index) in indexes.iter().enumerate() {
        let (column, place) = (names::column(index), at + 5);
        write!(same, " AND {column} IS ?{place}").expect("a string takes all");
        write!(columns, ", {column}").expect("a string takes all");
        write!(values, ", ?{place}").expect("a string takes all");
        write!(updates, ", {column} = excluded.{column}").expect("a string takes all");
    }
    [
        format!(
            "UPDATE {table} SET applied = ?3, data = ?4 WHERE key = ?1 AND removed = 0 AND created = ?2{same}"
        ),
        format!(
            "INSERT INTO {table} (key, created, applied, removed, data{columns})
             VALUES (?1, ?2, ?3, ?4 IS NULL, ?4{values})
             ON CONFLICT (key) DO UPDATE
             SET created = excluded.created, applied = excluded.applied, removed = excluded.removed,
                 data = excluded.data{updates}"
        ),
    ]
}
