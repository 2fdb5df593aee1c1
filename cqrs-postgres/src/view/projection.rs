use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{Checkpoint, ProjectionId},
};
use sqlx::{Postgres, Row as _, postgres::PgArguments, postgres::PgRow, query::Query};

use crate::database::Column as _;

/// What the store knows of a projection.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) fingerprint: u64,
    pub(super) indexes: Vec<String>,
    pub(super) progress: Progressed,
}

/// How far a projection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progressed {
    /// How many batches were written: of two answers, the one with the greater number is the newer one.
    pub(super) revision: u64,
    /// `None` before the first batch.
    pub(super) checkpoint: Option<Checkpoint>,
}

/// The columns of `projections` that [`Progressed::of`] reads.
pub(super) const PROGRESS: &str = "log, position, head, as_of, last, diverged, parked, revision";

impl Progressed {
    /// Reads the [columns](PROGRESS), which are the first of the row.
    pub(super) fn of(row: &PgRow) -> sqlx::Result<Self> {
        let revision = row.u64(7)?;
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
            }),
        };
        Ok(Self { revision, checkpoint })
    }

    pub(super) fn position(&self) -> Position {
        self.checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position)
    }
}

impl Known {
    /// Reads the row of `projection.sql`; `None` where the projection was never prepared.
    pub(super) fn of(rows: &[PgRow]) -> sqlx::Result<Option<Self>> {
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Self {
            progress: Progressed::of(row)?,
            fingerprint: row.i64(8)?.cast_unsigned(),
            indexes: row.try_get(9)?,
        }))
    }
}

/// Binds the first two values of most statements.
pub(super) fn bind_id<'q>(
    query: Query<'q, Postgres, PgArguments>,
    id: &'q ProjectionId,
) -> Query<'q, Postgres, PgArguments> {
    query.bind(id.name.as_str()).bind(i64::from(id.version))
}
