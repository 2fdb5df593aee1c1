//! A log that notes what is loaded from it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId, Version},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Noting {
    log: Arc<dyn EventStore>,
    /// The version of the last snapshot that was saved.
    saved: watch::Sender<Version>,
    events: AtomicU64,
}

impl Noting {
    pub(super) fn new(log: Arc<dyn EventStore>) -> Self {
        Self { log, saved: watch::Sender::default(), events: AtomicU64::new(0) }
    }

    pub(super) fn saved(&self) -> watch::Receiver<Version> {
        self.saved.subscribe()
    }

    /// How many events were loaded since the last time.
    pub(super) fn take_events(&self) -> u64 {
        self.events.swap(0, Ordering::Relaxed)
    }
}

impl EventStore for Noting {
    fn log_id(&self) -> LogId {
        self.log.log_id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        self.log.append(append)
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(async move {
            let loaded = self.log.load(load).await?;
            self.events.fetch_add(loaded.events.len() as u64, Ordering::Relaxed);
            Ok(loaded)
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        self.log.read_stream(stream, read, limit)
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        self.log.read_log(after, filter, limit)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        self.log.head()
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        self.log.command(id)
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.log.watch()
    }
}

impl SnapshotStore for Noting {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        self.log.snapshot(stream, fingerprint)
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let version = snapshot.version;
            self.log.save_snapshot(snapshot).await?;
            self.saved.send_replace(version);
            Ok(())
        })
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        self.log.drop_snapshots(category)
    }
}
