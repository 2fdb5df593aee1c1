use std::sync::Arc;

use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};

use crate::hook::Hook;

/// A store that keeps its promises, and its snapshots'.
pub(crate) type Sound = Arc<dyn EventStore>;

type Do<I, O> = Option<Hook<Sound, I, O>>;

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

/// What takes the place of operations.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// A handle does not see what others write.
    pub(crate) alone: bool,
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

/// A sound store, but for its faults.
pub(crate) struct Broken {
    sound: Sound,
    faults: Faults,
    /// Its data is there for as long as it is open.
    _place: Arc<Stores<dyn EventStore>>,
}

impl Broken {
    pub(crate) async fn open(place: Arc<Stores<dyn EventStore>>, faults: Faults) -> Self {
        let place = if faults.alone { Arc::new(place.elsewhere()) } else { place };
        Self { sound: place.open().await, faults, _place: place }
    }
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sound.fmt(f)
    }
}

impl EventStore for Broken {
    fn log_id(&self) -> LogId {
        self.faults.log_id.map_or_else(|| self.sound.log_id(), |log_id| log_id())
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        match &self.faults.append {
            Some(hook) => hook(self.sound.clone(), append),
            None => self.sound.append(append),
        }
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        match &self.faults.load {
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
        match &self.faults.read_stream {
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
        match &self.faults.read_log {
            Some(hook) => hook(self.sound.clone(), (after, filter.clone(), limit)),
            None => self.sound.read_log(after, filter, limit),
        }
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        match &self.faults.head {
            Some(hook) => hook(self.sound.clone(), ()),
            None => self.sound.head(),
        }
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        match &self.faults.command {
            Some(hook) => hook(self.sound.clone(), id),
            None => self.sound.command(id),
        }
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.faults.watch.clone().unwrap_or_else(|| self.sound.watch())
    }
}

impl SnapshotStore for Broken {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        match &self.faults.snapshot {
            Some(hook) => hook(self.sound.clone(), (stream.clone(), fingerprint)),
            None => self.sound.snapshot(stream, fingerprint),
        }
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        match &self.faults.save_snapshot {
            Some(hook) => hook(self.sound.clone(), snapshot),
            None => self.sound.save_snapshot(snapshot),
        }
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        match &self.faults.drop_snapshots {
            Some(hook) => hook(self.sound.clone(), category.to_owned()),
            None => self.sound.drop_snapshots(category),
        }
    }
}
