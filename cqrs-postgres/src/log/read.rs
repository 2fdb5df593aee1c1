//! The statements that read, and what their rows make.

use cqrs_core::{
    envelope::{CommandId, EventId, Json, LogId, Position, RecordedEvent, StreamId, Version},
    store::{EventFilter, RecordedCommand, Snapshot, StreamRead},
};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{
    rows::{self, Events, Kind},
    statements::Statements,
};
use crate::database::{Column as _, Session, integer};

pub(super) async fn head(session: &mut Session, statements: &Statements) -> sqlx::Result<Position> {
    let query = session.query(&statements.head);
    let rows = session.fetch(query).await?;
    rows.first().map_or(Ok(Position::ZERO), |row| row.u64(0).map(Position::new))
}

pub(super) async fn log_id(session: &mut Session, statements: &Statements) -> sqlx::Result<LogId> {
    let query = session.query(&statements.log_id);
    session.fetch(query).await?.first().ok_or(sqlx::Error::RowNotFound)?.uuid(0).map(LogId::from_uuid)
}

pub(super) async fn stream(
    session: &mut Session,
    statements: &Statements,
    stream: &StreamId,
    read: StreamRead,
    limit: usize,
) -> sqlx::Result<Vec<RecordedEvent>> {
    let (sql, bound) = match read {
        StreamRead::After(version) => (&statements.stream_after, integer(version.get())),
        StreamRead::Before(version) => {
            (&statements.stream_before, version.map_or(i64::MAX, |version| integer(version.get())))
        }
    };
    let query =
        session.query(sql).bind(stream.category()).bind(stream.id()).bind(bound).bind(integer(limit as u64));
    let (mut reader, mut events) = (Events::of(stream), Vec::new());
    session
        .each(query, |row| {
            events.push(reader.read(&row)?);
            Ok(())
        })
        .await?;
    Ok(events)
}

/// The events of a stretch of the log that a filter picks, and the head, of one moment.
pub(super) struct Stretch {
    /// The event after which it begins.
    pub(super) before: Option<EventId>,
    /// The event at its end, where the log has come that far.
    pub(super) end: Option<EventId>,
    pub(super) events: Vec<RecordedEvent>,
    pub(super) head: Position,
    /// The event at the head.
    pub(super) last: Option<EventId>,
}

pub(super) async fn stretch(
    session: &mut Session,
    statements: &Statements,
    after: Position,
    through: Position,
    filter: &EventFilter,
    limit: usize,
) -> sqlx::Result<Stretch> {
    let sql = if filter.any_of.is_some() { &statements.filtered_page } else { &statements.page };
    let mut query = session
        .query(sql)
        .bind(integer(after.get()))
        .bind(integer(through.get()))
        .bind(integer(limit as u64));
    if let Some(selectors) = &filter.any_of {
        let (mut categories, mut names, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for selector in selectors {
            match &selector.names {
                Some(wanted) => {
                    categories.extend(wanted.iter().map(|_| &*selector.category));
                    names.extend(wanted.iter().map(|name| &**name));
                }
                None => whole.push(&*selector.category),
            }
        }
        query = query.bind(categories).bind(names).bind(whole);
    }
    let mut reader = Events::default();
    let mut stretch =
        Stretch { before: None, end: None, events: Vec::new(), head: Position::ZERO, last: None };
    session
        .each(query, |row| {
            match rows::tag(&row)?.0 {
                Kind::Head => {
                    stretch.head = rows::position(&row)?;
                    stretch.last = Some(rows::event_id(&row)?);
                }
                Kind::Bound if rows::position(&row)? == after => stretch.before = Some(rows::event_id(&row)?),
                Kind::Bound => stretch.end = Some(rows::event_id(&row)?),
                _ => stretch.events.push(reader.read(&row)?),
            }
            Ok(())
        })
        .await?;
    sort(&mut stretch.events);
    Ok(stretch)
}

/// The parts of a statement each have an order; that of the whole is PostgreSQL's habit and not its promise.
pub(super) fn sort(events: &mut [RecordedEvent]) {
    if !events.is_sorted_by_key(|event| event.position) {
        events.sort_by_key(|event| event.position);
    }
}

pub(super) async fn command(
    session: &mut Session,
    statements: &Statements,
    id: CommandId,
) -> sqlx::Result<Option<RecordedCommand>> {
    let query = session.query(&statements.command).bind(id.as_uuid());
    let mut events = Events::default();
    let (mut command, mut of_command) = (None, Vec::new());
    for row in &session.fetch(query).await? {
        match rows::tag(row)?.0 {
            Kind::Command => command = Some(rows::command(row, id)?),
            _ => of_command.push(events.read(row)?),
        }
    }
    sort(&mut of_command);
    Ok(command.map(|command| RecordedCommand { events: of_command, ..command }))
}

/// Where an event went, of which only its id is known.
pub(super) struct Place {
    pub(super) event_id: EventId,
    pub(super) position: Position,
    pub(super) version: Version,
    pub(super) time: Timestamp,
    pub(super) stream: StreamId,
}

pub(super) async fn places(
    session: &mut Session,
    statements: &Statements,
    ids: Vec<Uuid>,
) -> sqlx::Result<Vec<Place>> {
    let query = session.query(&statements.recorded).bind(ids);
    let place = |row: &PgRow| {
        Ok(Place {
            event_id: EventId::from_uuid(row.uuid(0)?),
            position: Position::new(row.u64(1)?),
            version: Version::new(row.u64(2)?),
            time: row.timestamp(3)?,
            stream: StreamId::new(row.text(4)?, row.text(5)?).map_err(|error| rows::wrong(4, error))?,
        })
    };
    session.fetch(query).await?.iter().map(place).collect()
}

pub(super) async fn snapshot(
    session: &mut Session,
    statements: &Statements,
    stream: &StreamId,
    fingerprint: u64,
) -> sqlx::Result<Option<Snapshot>> {
    let query = session
        .query(&statements.snapshot)
        .bind(stream.category())
        .bind(stream.id())
        .bind(fingerprint.cast_signed());
    let rows = session.fetch(query).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Snapshot {
        stream: stream.clone(),
        version: Version::new(row.u64(0)?),
        last: EventId::from_uuid(row.uuid(1)?),
        fingerprint,
        data: row.text(2).map(Json::from_store)?,
    }))
}
