//! The short way into the log: one event of one append, where nobody else has appended since this process did.

use cqrs_core::envelope::Position;
use sqlx::{
    Postgres, Row as _, SqlStr,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    append::{Entry, Reply},
    job::Job,
    past::Anchor,
    plan::{Plan, Stream},
    rows::wrong,
};
use crate::database::{Column as _, Session, Text, integer, number};

/// The statement for a plan, where it can go this way.
pub(super) fn query<'q>(
    plan: &Plan<'_>,
    session: &Session,
    sql: &SqlStr,
    jobs: &'q [Job],
    anchor: &Anchor,
) -> Option<Query<'q, Postgres, PgArguments>> {
    let anchor = anchor.head()?;
    let ([job], [_], []) = (jobs, &*plan.events, &*plan.commands) else { return None };
    let ([event], None) = (&*job.append.events, &job.append.command) else { return None };
    // That a stream has got to its version is not looked at; that it is not further, the unique index says.
    let [stream @ Stream { expected: Some(expected), .. }] = &*plan.streams else { return None };
    if stream.checked().is_some() {
        return None;
    }
    let query = session
        .query(sql)
        .bind(anchor.as_uuid())
        .bind(integer(expected.plus(1).get()))
        .bind(event.event_id.as_uuid())
        .bind(event.schema_version.get().cast_signed())
        .bind(event.stream.category())
        .bind(event.stream.id())
        .bind(&*event.name)
        .bind(Text(&job.append.metadata))
        .bind(Text(event.data.as_str()));
    Some(query)
}

pub(super) fn reply(plan: &Plan<'_>, rows: &[PgRow]) -> sqlx::Result<Reply> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let Some(position) = row.try_get::<Option<i64>, _>(0)? else { return Ok(Reply::Overtaken) };
    let head = number(position - 1).map(Position::new).map_err(|error| wrong(0, error))?;
    let versions = plan.streams.iter().filter_map(|stream| stream.expected).collect();
    Ok(Reply::Appended(Entry { head, time: row.timestamp(1)?, versions }))
}
