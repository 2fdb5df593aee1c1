use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    store::{BoxFuture, Error, EventFilter, LogPage, RecordedCommand, Snapshot, StreamRead},
};
use uuid::Uuid;

use super::{
    read::{self, Place},
    statements::Statements,
};
use crate::database::{Database, Session, Text, integer};

/// Reads a log.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) database: Database,
    pub(super) statements: Arc<Statements>,
}

/// How much of the log one statement looks through: however rare the wanted events are, each statement ends soon.
const STRETCH: u64 = 50_000;

impl Reader {
    /// How long a call may take.
    pub(super) fn timeout(&self) -> Duration {
        self.database.connections.server().timeout()
    }

    async fn run<T, W>(&self, doing: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'s> Fn(&'s mut Session, &'s Statements) -> BoxFuture<'s, sqlx::Result<T>>
            + Send
            + Sync
            + 'static,
    {
        let (statements, work) = (Arc::clone(&self.statements), Arc::new(work));
        self.database
            .run(doing, move |session| {
                let (statements, work) = (Arc::clone(&statements), Arc::clone(&work));
                Box::pin(async move { work(session, &statements).await })
            })
            .await
    }

    pub(super) async fn log_id(&self) -> Result<LogId, Error> {
        self.run("reads the id of the log", |session, statements| Box::pin(read::log_id(session, statements)))
            .await
    }

    pub(super) async fn head(&self) -> Result<Position, Error> {
        self.run("reads the head of the log", |session, statements| Box::pin(read::head(session, statements)))
            .await
    }

    pub(super) async fn stream(
        &self,
        stream: &StreamId,
        range: StreamRead,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, Error> {
        let stream = stream.clone();
        self.run("reads a stream", move |session, statements| {
            let stream = stream.clone();
            Box::pin(async move { read::stream(session, statements, &stream, range, limit).await })
        })
        .await
    }

    pub(super) async fn page(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<LogPage, Error> {
        let filter = Arc::new(filter.clone());
        loop {
            if let Some(page) = self.page_of_one_past(after, &filter, limit).await? {
                return Ok(page);
            }
            tracing::debug!(%after, "the log was put back while a page of it was read; reading it again");
        }
    }

    /// Looks through the log in stretches, until there are as many events as wanted, or the head is reached. What is
    /// read in one of them is still so when the next is read, as nothing ever changes before the head, unless the log is
    /// put back in between: then the next one does not begin with the event with which the last one has ended, and there is
    /// no page.
    async fn page_of_one_past(
        &self,
        after: Position,
        filter: &Arc<EventFilter>,
        limit: usize,
    ) -> Result<Option<LogPage>, Error> {
        let mut events = Vec::new();
        let mut stretch = self.stretch(after, filter, limit).await?;
        let before = stretch.before;
        let mut looked = after;
        loop {
            let full = events.len() + stretch.events.len() >= limit;
            events.append(&mut stretch.events);
            let read::Stretch { head, last, end, .. } = stretch;
            if full {
                let (through, last) = match events.last() {
                    Some(event) => (event.position, Some(event.event_id)),
                    None => (after, before),
                };
                return Ok(Some(LogPage { before, events, through, last, head }));
            }
            looked = looked.plus(STRETCH);
            if looked >= head {
                return Ok(Some(LogPage { before, events, through: head, last, head }));
            }
            stretch = self.stretch(looked, filter, limit - events.len()).await?;
            if stretch.before != end {
                return Ok(None);
            }
        }
    }

    async fn stretch(
        &self,
        after: Position,
        filter: &Arc<EventFilter>,
        wanted: usize,
    ) -> Result<read::Stretch, Error> {
        let (filter, through) = (Arc::clone(filter), after.plus(STRETCH));
        self.run("reads the log", move |session, statements| {
            let filter = Arc::clone(&filter);
            Box::pin(async move { read::stretch(session, statements, after, through, &filter, wanted).await })
        })
        .await
    }

    pub(super) async fn command(&self, id: CommandId) -> Result<Option<RecordedCommand>, Error> {
        self.run("looks up a command", move |session, statements| {
            Box::pin(read::command(session, statements, id))
        })
        .await
    }

    /// Where events are, as far as the log has them.
    pub(super) async fn places(&self, ids: Vec<Uuid>) -> Result<Vec<Place>, Error> {
        self.run("looks up events", move |session, statements| {
            Box::pin(read::places(session, statements, ids.clone()))
        })
        .await
    }

    pub(super) async fn snapshot(
        &self,
        stream: &StreamId,
        fingerprint: u64,
    ) -> Result<Option<Snapshot>, Error> {
        let stream = stream.clone();
        self.run("reads a snapshot", move |session, statements| {
            let stream = stream.clone();
            Box::pin(async move { read::snapshot(session, statements, &stream, fingerprint).await })
        })
        .await
    }

    pub(super) async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), Error> {
        let snapshot = Arc::new(snapshot);
        self.run("keeps a snapshot", move |session, statements| {
            let snapshot = Arc::clone(&snapshot);
            Box::pin(async move {
                let query = session
                    .query(&statements.save_snapshot)
                    .bind(snapshot.stream.category())
                    .bind(snapshot.stream.id())
                    .bind(integer(snapshot.version.get()))
                    .bind(snapshot.last.as_uuid())
                    .bind(snapshot.fingerprint.cast_signed())
                    .bind(Text(snapshot.data.as_str()));
                session.fetch(query).await.map(drop)
            })
        })
        .await
    }

    pub(super) async fn drop_snapshots(&self, category: &str) -> Result<(), Error> {
        let category = category.to_owned();
        self.run("drops snapshots", move |session, statements| {
            let query = session.query(&statements.drop_snapshots).bind(category.clone());
            Box::pin(async move { session.fetch(query).await.map(drop) })
        })
        .await
    }
}
