use std::{ops::Deref, time::Duration};

use jiff::Timestamp;

use super::Cursor;
use crate::{
    domain::Projection,
    envelope::{LogId, Position, Token},
    runtime::Lag,
    store::{Checkpoint, Standing, StoredDocument},
};

/// What a query found, and how fresh it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// What was found.
    pub value: T,
    /// Where it stands.
    pub provenance: Provenance,
}

impl<T> Answer<T> {
    pub(super) const fn new(value: T, provenance: Provenance) -> Self {
        Self { value, provenance }
    }

    /// What was found, alone.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// How fresh an answer is: it is at least as fresh as this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// All events up to here are in the answer.
    pub applied: Position,
    /// The head of the log, as far as this program knows it.
    pub head: Position,
    /// How far the answer is behind at the most. A program without the log can't know of events since the last
    /// heartbeat of the projection, so for it the time counts from there.
    pub lag: Lag,
    /// The answer is less fresh than the query asked for, which took it all the same; or nothing is known of how
    /// fresh it is: the projection has never run, or its log was put back since.
    pub stale: bool,
    /// An older version of the projection has answered, as this one has not caught up for the first time yet.
    pub building: bool,
    /// How many events of the projection are parked: the documents that they belong to lack them.
    pub parked: u64,
    /// Give it to the next query, and that one will not be older than this answer.
    pub token: Token,
}

impl Provenance {
    pub(super) fn of(checkpoint: Option<&Checkpoint>, head: Option<Position>, log: Option<LogId>) -> Self {
        let now = Timestamp::now();
        let Some(checkpoint) = checkpoint else {
            // Nothing is known to be applied, so whatever is in the log may wait since the beginning of time.
            let nothing_waits = head == Some(Position::ZERO);
            let beginning = Timestamp::UNIX_EPOCH;
            let time = if nothing_waits { Duration::ZERO } else { crate::runtime::elapsed(beginning, now) };
            let events = head.map_or(0, Position::get);
            let log = log.unwrap_or(LogId::from_uuid(uuid::Uuid::nil()));
            return Self {
                applied: Position::ZERO,
                head: head.unwrap_or(Position::ZERO),
                lag: Lag { events, time },
                stale: !nothing_waits,
                building: false,
                parked: 0,
                token: Token::new(log, Position::ZERO),
            };
        };
        let applied = checkpoint.position;
        let stale = checkpoint.is_of_another_past(log);
        let (head, lag) = match head {
            Some(head) if !stale => {
                let head = head.max(checkpoint.head);
                (head, Lag::measure(applied, head, checkpoint.as_of, now))
            }
            _ => {
                let time = crate::runtime::elapsed(checkpoint.as_of, now);
                (checkpoint.head, Lag { events: checkpoint.head.since(applied), time })
            }
        };
        let token = Token::new(checkpoint.log, applied);
        let building = checkpoint.standing == Standing::Building;
        Self { applied, head, lag, stale, building, parked: checkpoint.parked, token }
    }
}

/// One document of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct View<P: Projection> {
    /// Its key.
    pub key: P::Key,
    /// The document.
    pub document: P,
    /// The position of the event that created it.
    pub created: Position,
    /// The position of the last event that is folded into it.
    pub applied: Position,
}

impl<P: Projection> View<P> {
    pub(super) const fn new(key: P::Key, document: P, created: Position, applied: Position) -> Self {
        Self { key, document, created, applied }
    }

    pub(super) fn read(stored: &StoredDocument) -> Result<Option<Self>, super::QueryError> {
        let unreadable = |key: &str, source: Box<dyn std::error::Error + Send + Sync>| {
            super::QueryError::Document { projection: P::NAME, key: key.to_owned(), source }
        };
        let Some(data) = &stored.data else { return Ok(None) };
        let document = data.parse().map_err(|error| unreadable(&stored.key, Box::new(error)))?;
        let key = stored.key.parse().map_err(|error| unreadable(&stored.key, Box::new(error)))?;
        Ok(Some(Self::new(key, document, stored.created, stored.applied)))
    }
}

impl<P: Projection> Deref for View<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.document
    }
}

/// Some of the views that a query found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<P: Projection> {
    /// The views, in the order that was asked for.
    pub items: Vec<View<P>>,
    /// Give it to [`ViewsQuery::after`](super::ViewsQuery::after) for the next page; `None` on the last one.
    pub next: Option<Cursor>,
}
