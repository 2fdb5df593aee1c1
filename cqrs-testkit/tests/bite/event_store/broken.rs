use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    memory::MemoryEventStore,
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};
use cqrs_testkit::tokio::sync::watch;

use crate::hook::Hook;

type Do<I, O> = Option<Hook<MemoryEventStore, I, O>>;

/// [`Load`] without borrows.
#[derive(Clone)]
pub(crate) struct OwnedLoad {
    pub(crate) stream: StreamId,
    pub(crate) snapshot: Option<u64>,
    pub(crate) command: Option<CommandId>,
}

impl OwnedLoad {
    pub(crate) fn load(&self) -> Load<'_> {
        Load { stream: &self.stream, snapshot: self.snapshot, command: self.command }
    }
}

/// A sound store, but for the operations that are given.
#[derive(Clone, Default)]
pub(crate) struct Broken {
    pub(crate) sound: MemoryEventStore,
    pub(crate) append: Do<Append, Result<AppendOutcome, AppendError>>,
    pub(crate) load: Do<OwnedLoad, Result<Loaded, Error>>,
    pub(crate) read_stream: Do<(StreamId, StreamRead, usize), Result<Vec<RecordedEvent>, Error>>,
    pub(crate) read_log: Do<(Position, EventFilter, usize), Result<LogPage, Error>>,
    pub(crate) head: Do<(), Result<Position, Error>>,
    pub(crate) command: Do<CommandId, Result<Option<RecordedCommand>, Error>>,
    pub(crate) watch: Option<watch::Receiver<Position>>,
    pub(crate) log_id: Option<fn() -> LogId>,
    pub(crate) snapshot: Do<(StreamId, u64), Result<Option<Snapshot>, Error>>,
    pub(crate) save_snapshot: Do<Snapshot, Result<(), Error>>,
    pub(crate) drop_snapshots: Do<String, Result<(), Error>>,
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sound.fmt(f)
    }
}

impl EventStore for Broken {
    fn log_id(&self) -> LogId {
        self.log_id.map_or_else(|| self.sound.log_id(), |log_id| log_id())
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        match &self.append {
            Some(hook) => hook(self.sound.clone(), append),
            None => self.sound.append(append),
        }
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        match &self.load {
            Some(hook) => {
                let Load { stream, snapshot, command } = load;
                hook(self.sound.clone(), OwnedLoad { stream: stream.clone(), snapshot, command })
            }
            None => self.sound.load(load),
        }
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        match &self.read_stream {
            Some(hook) => hook(self.sound.clone(), (stream.clone(), read, limit)),
            None => self.sound.read_stream(stream, read, limit),
        }
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        match &self.read_log {
            Some(hook) => hook(self.sound.clone(), (after, filter.clone(), limit)),
            None => self.sound.read_log(after, filter, limit),
        }
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        match &self.head {
            Some(hook) => hook(self.sound.clone(), ()),
            None => self.sound.head(),
        }
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        match &self.command {
            Some(hook) => hook(self.sound.clone(), id),
            None => self.sound.command(id),
        }
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.watch.clone().unwrap_or_else(|| self.sound.watch())
    }
}

impl SnapshotStore for Broken {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        match &self.snapshot {
            Some(hook) => hook(self.sound.clone(), (stream.clone(), fingerprint)),
            None => self.sound.snapshot(stream, fingerprint),
        }
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        match &self.save_snapshot {
            Some(hook) => hook(self.sound.clone(), snapshot),
            None => self.sound.save_snapshot(snapshot),
        }
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        match &self.drop_snapshots {
            Some(hook) => hook(self.sound.clone(), category.to_owned()),
            None => self.sound.drop_snapshots(category),
        }
    }
}
