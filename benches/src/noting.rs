//! A log that notes what is read from it.

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
pub(crate) struct Noting {
    log: Arc<dyn EventStore>,
    /// The version of the last snapshot that was saved.
    saved: watch::Sender<Version>,
    events: AtomicU64,
    reads: AtomicU64,
    read_events: AtomicU64,
}

impl Noting {
    pub(crate) fn new(log: Arc<dyn EventStore>) -> Self {
        let [events, reads, read_events] = [const { AtomicU64::new(0) }; 3];
        Self { log, saved: watch::Sender::default(), events, reads, read_events }
    }

    pub(crate) fn saved(&self) -> watch::Receiver<Version> {
        self.saved.subscribe()
    }

    /// How many events were loaded since the last time.
    pub(crate) fn take_events(&self) -> u64 {
        self.events.swap(0, Ordering::Relaxed)
    }

    /// How often the log was read for projections since the last time, and how many events that has brought.
    pub(crate) fn take_reads(&self) -> (u64, u64) {
        (self.reads.swap(0, Ordering::Relaxed), self.read_events.swap(0, Ordering::Relaxed))
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
        Box::pin(async move {
            let page = self.log.read_log(after, filter, limit).await?;
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.read_events.fetch_add(page.events.len() as u64, Ordering::Relaxed);
            Ok(page)
        })
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
