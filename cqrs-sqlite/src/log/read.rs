use cqrs_core::{
    envelope::{CommandId, Position, RecordedEvent, StreamId, Version},
    store::{EventFilter, Loaded, LogPage, StreamRead},
};
use rusqlite::{Connection, params};

use super::{rows, statements};
use crate::file::integer;

pub(super) fn load(
    connection: &Connection,
    stream: &StreamId,
    snapshot: Option<u64>,
    command: Option<CommandId>,
) -> rusqlite::Result<Loaded> {
    let snapshot = match snapshot {
        Some(fingerprint) => rows::snapshot(connection, statements::SNAPSHOT_TO_LOAD, stream, fingerprint)?,
        None => None,
    };
    let after = snapshot.as_ref().map_or(Version::ZERO, |snapshot| snapshot.version);
    Ok(Loaded {
        snapshot,
        events: rows::events(
            connection,
            statements::STREAM_AFTER,
            params![stream.category(), stream.id(), integer(after.get()), -1],
        )?,
        head: rows::head(connection)?,
        command: match command {
            Some(id) => rows::command(connection, id)?,
            None => None,
        },
    })
}

pub(super) fn stream(
    connection: &Connection,
    stream: &StreamId,
    read: StreamRead,
    limit: usize,
) -> rusqlite::Result<Vec<RecordedEvent>> {
    let (sql, bound) = match read {
        StreamRead::After(version) => (statements::STREAM_AFTER, integer(version.get())),
        StreamRead::Before(version) => {
            (statements::STREAM_BEFORE, version.map_or(i64::MAX, |version| integer(version.get())))
        }
    };
    rows::events(connection, sql, params![stream.category(), stream.id(), bound, integer(limit as u64)])
}

pub(super) fn log(
    connection: &Connection,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> rusqlite::Result<LogPage> {
    let head = rows::head(connection)?;
    let before = rows::id_at(connection, after)?;
    let (from, to, most) = (integer(after.get()), integer(head.get()), integer(limit as u64));
    let events = match &filter.any_of {
        None => rows::events(connection, statements::BETWEEN, params![from, to, most])?,
        Some(selectors) => {
            let (mut named, mut whole) = (Vec::new(), Vec::new());
            for selector in selectors {
                match &selector.names {
                    Some(names) => named.extend(names.iter().map(|name| (&selector.category, name))),
                    None => whole.push(&selector.category),
                }
            }
            let (named, whole) = (serde_json::json!(named), serde_json::json!(whole));
            rows::events(
                connection,
                statements::BETWEEN_FILTERED,
                params![from, to, named.to_string(), whole.to_string(), most],
            )?
        }
    };
    let through = match events.last() {
        _ if events.len() < limit => head,
        Some(last) => last.position,
        None => after,
    };
    let last = match events.last() {
        Some(event) if event.position == through => Some(event.event_id),
        _ => rows::id_at(connection, through)?,
    };
    Ok(LogPage { before, events, through, last, head })
}
