use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;

use super::log::Log;
use crate::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};

/// A log in memory, with snapshots. Clones are handles of the same log.
#[derive(Clone)]
pub struct MemoryEventStore {
    shared: Arc<Shared>,
    max_event_bytes: usize,
    max_append_events: usize,
}

struct Shared {
    id: LogId,
    log: RwLock<Log>,
    head: watch::Sender<Position>,
}

/// How many events a reader looks at before it lets writers in.
const STRETCH: usize = 4096;

impl MemoryEventStore {
    /// An empty log.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                id: LogId::generate(),
                log: RwLock::default(),
                head: watch::Sender::new(Position::ZERO),
            }),
            max_event_bytes: 1024 * 1024,
            max_append_events: 1000,
        }
    }

    /// Limits the data of one event that this handle takes; 1 MiB by default.
    #[must_use]
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Limits the events of one append that this handle takes; 1,000 by default.
    #[must_use]
    pub const fn max_append_events(mut self, events: usize) -> Self {
        self.max_append_events = events;
        self
    }

    fn read(&self) -> RwLockReadGuard<'_, Log> {
        self.shared.log.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Log> {
        self.shared.log.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_limits(&self, append: &Append) -> Result<(), AppendError> {
        let (count, limit) = (append.events.len(), self.max_append_events);
        if count > limit {
            return Err(AppendError::TooMany { count, limit });
        }
        let limit = self.max_event_bytes;
        match append.events.iter().find(|event| event.data.len() > limit) {
            Some(event) => Err(AppendError::TooLarge {
                event: event.name.clone().into_owned(),
                size: event.data.len(),
                limit,
            }),
            None => Ok(()),
        }
    }
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEventStore")
            .field("log_id", &self.shared.id)
            .field("head", &*self.shared.head.borrow())
            .finish_non_exhaustive()
    }
}

/// Copies events after the lock is released.
fn copies(events: Vec<Arc<RecordedEvent>>) -> Vec<RecordedEvent> {
    events.into_iter().map(|event| (*event).clone()).collect()
}

impl EventStore for MemoryEventStore {
    fn log_id(&self) -> LogId {
        self.shared.id
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        Box::pin(async move {
            self.check_limits(&append)?;
            let outcome = self.write().append(append)?;
            if let AppendOutcome::Appended(appended) = &outcome {
                self.shared.head.send_if_modified(|head| {
                    let news = *head < appended.position;
                    *head = appended.position.max(*head);
                    news
                });
            }
            Ok(outcome)
        })
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(async move {
            let (snapshot, events, head, command) = {
                let log = self.read();
                let snapshot = load.snapshot.and_then(|shape| log.snapshot_to_load(load.stream, shape));
                let after = snapshot.as_ref().map(|snapshot| snapshot.version).unwrap_or_default();
                let events = log.read_stream(load.stream, StreamRead::After(after), usize::MAX);
                (snapshot, events, log.head(), load.command.and_then(|id| log.command(id)))
            };
            Ok(Loaded { snapshot, events: copies(events), head, command })
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        Box::pin(async move {
            let events = self.read().read_stream(stream, read, limit);
            Ok(copies(events))
        })
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move {
            let before = self.read().id_at(after);
            let mut events = Vec::new();
            let mut through = after;
            loop {
                let head = self.read().read_log(&mut through, filter, limit, STRETCH, &mut events);
                if events.len() >= limit || through >= head {
                    let through = through.min(head);
                    let last = self.read().id_at(through);
                    return Ok(LogPage { before, events: copies(events), through, last, head });
                }
            }
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move { Ok(self.read().head()) })
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        Box::pin(async move { Ok(self.read().command(id)) })
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }
}

impl SnapshotStore for MemoryEventStore {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        Box::pin(async move { Ok(self.read().snapshot(stream, fingerprint)) })
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.write().save_snapshot(snapshot);
            Ok(())
        })
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.write().drop_snapshots(category);
            Ok(())
        })
    }
}
