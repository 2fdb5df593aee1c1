use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{Build, Checkpoint, Partition, ProjectionId},
};
use sqlx::{
    Postgres, Row as _,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::database::Column as _;

/// What the store knows of a build of a projection, or of a partition of one.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) fingerprint: u64,
    pub(super) indexes: Vec<String>,
    /// It writes no tables of its own.
    pub(super) has_documents: bool,
    pub(super) progress: Progressed,
}

/// How far a projection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progressed {
    /// Grows with each batch: of two answers, the one with the greater number is the newer one.
    pub(super) revision: u64,
    /// `None` before the first batch.
    pub(super) checkpoint: Option<Checkpoint>,
}

/// The columns of `projections` that [`Progressed::of`] reads.
pub(super) const PROGRESS: &str =
    "log, position, head, as_of, last, diverged, parked, fence, standing, revision, partitions";

impl Progressed {
    /// Reads the [columns](PROGRESS), which are the first of the row.
    pub(super) fn of(row: &PgRow) -> sqlx::Result<Self> {
        let revision = row.u64(9)?;
        let checkpoint = match row.bytes(0)? {
            None => None,
            Some(_) => Some(Checkpoint {
                log: LogId::from_uuid(row.uuid(0)?),
                position: Position::new(row.u64(1)?),
                head: Position::new(row.u64(2)?),
                as_of: row.timestamp(3)?,
                last: row.bytes(4)?.map(|_| row.uuid(4)).transpose()?.map(EventId::from_uuid),
                diverged: row.try_get(5)?,
                parked: row.u64(6)?,
                fence: row.u64(7)?,
                standing: row.text(8)?.parse().map_err(|error: String| wrong(8, error.into()))?,
                partitions: partitions(row, 10)?,
            }),
        };
        Ok(Self { revision, checkpoint })
    }

    pub(super) fn position(&self) -> Position {
        self.checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position)
    }

    pub(super) fn fence(&self) -> u64 {
        self.checkpoint.map_or(0, |checkpoint| checkpoint.fence)
    }
}

impl Known {
    /// Reads the row of `projection.sql`; `None` where the projection was never prepared.
    pub(super) fn of(rows: &[PgRow]) -> sqlx::Result<Option<Self>> {
        rows.first().map(Self::of_row).transpose()
    }

    fn of_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            progress: Progressed::of(row)?,
            fingerprint: row.i64(11)?.cast_unsigned(),
            indexes: row.try_get(12)?,
            has_documents: row.try_get(13)?,
        })
    }
}

/// Reads a row of `builds.sql`.
pub(super) fn build(name: &str, row: &PgRow) -> sqlx::Result<Build> {
    let Known { fingerprint, progress, .. } = Known::of_row(row)?;
    let id = ProjectionId::new(name, row.u32(14)?).generation(row.u32(15)?).partition(partition(row, 16)?);
    Ok(Build { id, fingerprint, checkpoint: progress.checkpoint })
}

fn partitions(row: &PgRow, column: usize) -> sqlx::Result<u16> {
    u16::try_from(row.u32(column)?).map_err(|error| wrong(column, error.into()))
}

pub(super) fn partition(row: &PgRow, column: usize) -> sqlx::Result<Partition> {
    row.text(column)?.parse().map_err(|error: String| wrong(column, error.into()))
}

fn wrong(column: usize, source: BoxDynError) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source }
}

/// Binds the first four values of most statements.
pub(super) fn bind_id<'q>(
    query: Query<'q, Postgres, PgArguments>,
    id: &ProjectionId,
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(id.name.clone())
        .bind(i64::from(id.version))
        .bind(i64::from(id.generation))
        .bind(id.partition.to_string())
}
