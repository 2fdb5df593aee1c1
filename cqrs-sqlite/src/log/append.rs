use std::collections::HashMap;

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{
        AppendError, AppendOutcome, Appended, CommandRecord, Condition, Error, NewEvent, Past, Snapshot,
        Written,
    },
};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::{job::Checked, rows, statements};
use crate::file::{execute, integer, number, timestamp};

/// Why a batch stops, or one append of it.
pub(super) enum Stop {
    /// This append can't be; the others can.
    Refused(AppendError),
    /// SQLite's or the disk's trouble, which strikes the whole batch.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Appends within one transaction.
pub(super) struct Batch<'a> {
    connection: &'a Connection,
    head: Position,
    time: Timestamp,
}

impl<'a> Batch<'a> {
    /// Goes on where the log ends.
    pub(super) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        let last = connection
            .prepare_cached(statements::LAST_EVENT)?
            .query_row([], |row| Ok((number(row, 0)?, timestamp(row, 1)?)))
            .optional()?;
        let (head, last) = last.unwrap_or((0, Timestamp::MIN));
        // The clock may have been set back; the log's time never is.
        let now = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap_or(last);
        Ok(Self { connection, head: Position::new(head), time: now.max(last) })
    }

    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Appends, or leaves everything as it was.
    pub(super) fn append(&mut self, append: &Checked) -> Result<AppendOutcome, Stop> {
        if let Some(command) = &append.command
            && let Some(known) = rows::command(self.connection, command.id)?
        {
            return Ok(AppendOutcome::Repeated(Box::new(known)));
        }
        let mut streams = Streams { connection: self.connection, versions: HashMap::new() };
        for condition in &append.conditions {
            streams.check(condition)?;
        }
        // The first insertion that fails has done nothing; only what was done before it needs to be undone.
        let undoable = append.events.len() > 1;
        if undoable {
            execute(self.connection, "SAVEPOINT append")?;
        }
        match self.insert(append, &mut streams) {
            Ok(appended) => {
                if undoable {
                    execute(self.connection, "RELEASE append")?;
                }
                self.head = appended.position;
                Ok(AppendOutcome::Appended(appended))
            }
            Err(Stop::Refused(refused)) => {
                if undoable {
                    execute(self.connection, "ROLLBACK TO append")?;
                    execute(self.connection, "RELEASE append")?;
                }
                Err(Stop::Refused(refused))
            }
            Err(failed) => Err(failed),
        }
    }

    fn insert(&self, append: &Checked, streams: &mut Streams<'_>) -> Result<Appended, Stop> {
        let mut events = Vec::with_capacity(append.events.len());
        let mut position = self.head;
        for event in &append.events {
            let version = streams.next(&event.stream)?;
            position = position.plus(1);
            self.insert_event(event, version, position, &append.metadata)?;
            events.push(Written { version, position });
        }
        if let Some(command) = &append.command {
            let version = streams.version(&command.stream)?;
            self.insert_command(command, version, position, events.len())?;
        }
        Ok(Appended { events, time: self.time, position, past: Past::UNKNOWN })
    }

    fn insert_event(
        &self,
        event: &NewEvent,
        version: Version,
        position: Position,
        metadata: &str,
    ) -> Result<(), Stop> {
        let inserted = self.connection.prepare_cached(statements::INSERT_EVENT)?.execute(params![
            integer(position.get()),
            event.event_id.as_uuid().as_bytes(),
            event.stream.category(),
            event.stream.id(),
            integer(version.get()),
            event.name,
            event.schema_version.get(),
            self.time.as_microsecond(),
            metadata,
            event.data.as_str(),
        ]);
        match inserted {
            Ok(_) => Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
                    && is_event_known(self.connection, event.event_id)? =>
            {
                Err(Stop::Refused(AppendError::DuplicateEventId { event_id: event.event_id }))
            }
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    fn insert_command(
        &self,
        command: &CommandRecord,
        version: Version,
        position: Position,
        events: usize,
    ) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statements::INSERT_COMMAND)?.execute(params![
            command.id.as_uuid().as_bytes(),
            command.fingerprint.as_bytes(),
            command.stream.category(),
            command.stream.id(),
            integer(version.get()),
            integer(position.get()),
            integer(events as u64),
            command.answer,
        ])?;
        Ok(())
    }

    pub(super) fn save_snapshot(&self, snapshot: &Snapshot) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statements::SAVE_SNAPSHOT)?.execute(params![
            snapshot.stream.category(),
            snapshot.stream.id(),
            integer(snapshot.version.get()),
            snapshot.last.as_uuid().as_bytes(),
            snapshot.fingerprint.cast_signed(),
            snapshot.data.as_str(),
        ])?;
        Ok(())
    }

    pub(super) fn drop_snapshots(&self, category: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statements::DROP_SNAPSHOTS)?.execute([category])?;
        Ok(())
    }
}

pub(super) fn is_event_known(connection: &Connection, id: EventId) -> rusqlite::Result<bool> {
    connection.prepare_cached(statements::EVENT_ID)?.exists([id.as_uuid().as_bytes()])
}

/// The versions of the streams that one append deals with.
struct Streams<'a> {
    connection: &'a Connection,
    versions: HashMap<StreamId, Version>,
}

impl Streams<'_> {
    fn version(&mut self, stream: &StreamId) -> rusqlite::Result<Version> {
        if let Some(version) = self.versions.get(stream) {
            return Ok(*version);
        }
        let version = self
            .connection
            .prepare_cached(statements::STREAM_VERSION)?
            .query_row([stream.category(), stream.id()], |row| number(row, 0))
            .optional()?
            .map_or(Version::ZERO, Version::new);
        self.versions.insert(stream.clone(), version);
        Ok(version)
    }

    fn next(&mut self, stream: &StreamId) -> rusqlite::Result<Version> {
        let version = self.version(stream)?.plus(1);
        self.versions.insert(stream.clone(), version);
        Ok(version)
    }

    fn check(&mut self, condition: &Condition) -> Result<(), Stop> {
        match condition {
            Condition::Version { stream, expected } => {
                let actual = self.version(stream)?;
                if actual == *expected {
                    Ok(())
                } else {
                    let (stream, expected) = (stream.clone(), *expected);
                    Err(Stop::Refused(AppendError::Conflict { stream, expected, actual }))
                }
            }
            // A kind of condition that is not known here must not be taken for one that holds.
            other => Err(Stop::Refused(
                Error::invalid(format!("SQLite knows no such condition: {other:?}")).into(),
            )),
        }
    }
}
