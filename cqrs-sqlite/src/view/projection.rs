use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{Build, Checkpoint, ProjectionId},
};
use rusqlite::{
    Connection, OptionalExtension, Row, params,
    types::{Type, ValueRef},
};

use super::statements;
use crate::file::{number, timestamp, uuid, wrong};

/// What the store knows of a build of a projection, or of a partition of one.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) fingerprint: u64,
    pub(super) indexes: Vec<String>,
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Known {
    /// Looks a build up, or a partition; `None` where it was never prepared.
    pub(super) fn find(connection: &Connection, id: &ProjectionId) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(statements::PROJECTION)?
            .query_row(params![id.name, id.version, id.generation, id.partition.to_string()], Self::of)
            .optional()
    }

    /// As [`find`](Self::find), but a partition that was never prepared has the build's documents all the same.
    pub(super) fn to_read(connection: &Connection, id: &ProjectionId) -> rusqlite::Result<Option<Self>> {
        let found = Self::find(connection, id)?;
        if found.is_some() || id.partition.is_whole() {
            return Ok(found);
        }
        let build = Self::find(connection, &id.whole())?;
        Ok(build.map(|build| Self { checkpoint: None, ..build }))
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            fingerprint: row.get::<_, i64>(0)?.cast_unsigned(),
            indexes: serde_json::from_str(row.get_ref(1)?.as_str()?)
                .map_err(|error| wrong(1, Type::Text, error))?,
            checkpoint: checkpoint(row)?,
        })
    }

    pub(super) fn position(&self) -> Position {
        self.checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position)
    }

    pub(super) fn fence(&self) -> u64 {
        self.checkpoint.map_or(0, |checkpoint| checkpoint.fence)
    }
}

/// All builds of a projection, and their partitions.
pub(super) fn builds(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Build>> {
    let build = |row: &Row<'_>| {
        let Known { fingerprint, checkpoint, .. } = Known::of(row)?;
        let partition =
            row.get_ref(14)?.as_str()?.parse().map_err(|error: String| wrong(14, Type::Text, error))?;
        let id = ProjectionId::new(name, row.get(12)?).generation(row.get(13)?).partition(partition);
        Ok(Build { id, fingerprint, checkpoint })
    };
    let mut listing = connection.prepare_cached(statements::BUILDS)?;
    let mut builds = listing.query_map([name], build)?.collect::<rusqlite::Result<Vec<_>>>()?;
    builds.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(builds)
}

fn checkpoint(row: &Row<'_>) -> rusqlite::Result<Option<Checkpoint>> {
    if row.get_ref(2)? == ValueRef::Null {
        return Ok(None);
    }
    Ok(Some(Checkpoint {
        log: LogId::from_uuid(uuid(row, 2)?),
        position: Position::new(number(row, 3)?),
        head: Position::new(number(row, 4)?),
        as_of: timestamp(row, 5)?,
        parked: number(row, 6)?,
        last: match row.get_ref(7)? {
            ValueRef::Null => None,
            _ => Some(EventId::from_uuid(uuid(row, 7)?)),
        },
        diverged: row.get(8)?,
        fence: number(row, 9)?,
        standing: row.get_ref(10)?.as_str()?.parse().map_err(|error| wrong(10, Type::Text, error))?,
        partitions: row.get(11)?,
    }))
}
