//! The call that appends, and what it answers.

use cqrs_core::envelope::{CommandId, EventId, Position, Version};
use jiff::Timestamp;
use sqlx::{
    Postgres, Row as _, SqlStr,
    postgres::{PgArguments, PgBindIterExt as _, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{
    job::{Checked, Job},
    judge::Facts,
    past::Anchor,
    plan::{Part, Plan, Step},
    rows::wrong,
};
use crate::database::{Column as _, Session, Text, integer, number};

/// What the log answers.
#[derive(Debug)]
pub(super) enum Reply {
    Appended(Entry),
    Doubt(Facts),
    /// The log has not got the anchor.
    OtherPast,
    /// Somebody else has appended, and the append has to go the long way.
    Overtaken,
}

/// Where a batch went into the log.
#[derive(Debug)]
pub(super) struct Entry {
    /// Of the event before it.
    pub(super) head: Position,
    pub(super) time: Timestamp,
    /// Of its streams, before it.
    pub(super) versions: Vec<Version>,
}

impl Plan<'_> {
    /// The call for this plan.
    pub(super) fn query<'q>(
        &self,
        session: &Session,
        sql: &SqlStr,
        jobs: &[Job],
        careful: bool,
        anchor: &Anchor,
    ) -> Query<'q, Postgres, PgArguments> {
        let streams = || self.streams.iter();
        let checked = || streams().filter_map(|stream| stream.checked().map(|version| (stream.id, version)));
        let anchor = anchor.event();
        let all = || jobs.iter().map(|job| &job.append);
        let included = || all().zip(&self.parts).filter(|(_, part)| matches!(part, Part::In { .. }));
        let events = || included().flat_map(|(append, _)| append.events.iter());
        let metadata =
            included().flat_map(|(append, _)| append.events.iter().map(|_| Text(append.metadata.as_str())));
        let known = |careful: bool| all().filter(move |_| careful);
        let commands = || {
            self.commands
                .iter()
                .filter_map(|command| Some((command, jobs.get(command.job)?.append.command.as_ref()?)))
        };
        session
            .query(sql)
            .bind(careful || self.needs_versions())
            .bind(anchor.map(|(_, id)| id.as_uuid()))
            .bind(anchor.map(|(position, _)| integer(position.get())))
            .bind(streams().map(|stream| stream.id.category()).bind_iter())
            .bind(streams().map(|stream| stream.id.id()).bind_iter())
            .bind(streams().map(|stream| stream.expected.map(|version| integer(version.get()))).bind_iter())
            .bind(checked().map(|(id, _)| id.category()).bind_iter())
            .bind(checked().map(|(id, _)| id.id()).bind_iter())
            .bind(checked().map(|(_, version)| integer(version.get())).bind_iter())
            .bind(all().filter_map(|append| Some(append.command.as_ref()?.id.as_uuid())).bind_iter())
            .bind(
                known(careful)
                    .flat_map(|append| append.events.iter().map(|event| event.event_id.as_uuid()))
                    .bind_iter(),
            )
            .bind(events().map(|event| event.event_id.as_uuid()).bind_iter())
            .bind(self.events.iter().map(|step| place(step.stream)).bind_iter())
            .bind(self.events.iter().map(|step| integer(step.step)).bind_iter())
            .bind(events().map(|event| event.stream.category()).bind_iter())
            .bind(events().map(|event| event.stream.id()).bind_iter())
            .bind(events().map(|event| &*event.name).bind_iter())
            .bind(events().map(|event| event.schema_version.get().cast_signed()).bind_iter())
            .bind(metadata.bind_iter())
            .bind(events().map(|event| Text(event.data.as_str())).bind_iter())
            .bind(commands().map(|(_, record)| record.id.as_uuid()).bind_iter())
            .bind(commands().map(|(_, record)| record.fingerprint).bind_iter())
            .bind(commands().map(|(command, _)| place(command.at.stream)).bind_iter())
            .bind(commands().map(|(command, _)| integer(command.at.step)).bind_iter())
            .bind(commands().map(|(command, _)| integer(command.place as u64)).bind_iter())
            .bind(commands().map(|(command, _)| count(&jobs[command.job].append)).bind_iter())
            .bind(commands().map(|(_, record)| record.answer.as_deref()).bind_iter())
    }

    /// Reads the answer to the call.
    pub(super) fn reply(&self, rows: &[PgRow]) -> sqlx::Result<Reply> {
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        if row.try_get::<Option<bool>, _>(6)? == Some(true) {
            return Ok(Reply::OtherPast);
        }
        let versions: Option<Vec<i64>> = row.try_get(3)?;
        let versions =
            versions.unwrap_or_default().into_iter().map(|version| number(version).map(Version::new));
        let versions: Vec<Version> = versions.collect::<Result<_, _>>().map_err(|error| wrong(3, error))?;
        if versions.len() != self.streams.len() {
            return Err(wrong(
                3,
                format!("has {} versions of {} streams", versions.len(), self.streams.len()),
            ));
        }
        let nothing_went_in = self.events.is_empty() && self.commands.is_empty();
        if row.try_get(0)?
            && !(nothing_went_in && self.parts.iter().any(|part| !matches!(part, Part::In { .. })))
        {
            let (head, time) = (Position::new(row.u64(1)?), row.timestamp(2)?);
            return Ok(Reply::Appended(Entry { head, time, versions }));
        }
        let ids = |column: usize| row.try_get(column).map(|ids: Option<Vec<Uuid>>| ids.unwrap_or_default());
        Ok(Reply::Doubt(Facts {
            versions,
            commands: ids(4)?.into_iter().map(CommandId::from_uuid).collect(),
            events: ids(5)?.into_iter().map(EventId::from_uuid).collect(),
        }))
    }
}

/// As SQL counts, from 1.
fn place(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

fn count(append: &Checked) -> i32 {
    i32::try_from(append.events.len()).unwrap_or(i32::MAX)
}

impl Entry {
    /// The version that a step of the plan has led to.
    pub(super) fn version(&self, step: Step) -> Version {
        self.versions[step.stream].plus(step.step)
    }
}
