use std::{fmt, sync::Arc};

use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};
use tokio::sync::watch;

use super::{
    EventStoreOptions,
    head::Head,
    job::Checked,
    load::Loader,
    options::Limits,
    queue::Queue,
    reader::Reader,
    statements::{self, Statements},
};
use crate::database::{Database, Watcher, at};

/// An event store in a schema of a PostgreSQL database. Clones are handles of the same store.
///
/// Several processes may work on the same log. Appends that arrive while a commit runs go into the next one together;
/// so do loads while others run. Readers never wait for writers.
#[derive(Clone)]
pub struct PostgresEventStore {
    log_id: LogId,
    limits: Limits,
    reader: Arc<Reader>,
    loader: Loader,
    queue: Arc<Queue>,
    watcher: Arc<Watcher<Head>>,
}

impl PostgresEventStore {
    /// Connects to the log on this server with the default [options](Self::options).
    ///
    /// # Errors
    ///
    /// As [`EventStoreOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::options().connect(url).await
    }

    /// How to connect to a log, to be changed before [`EventStoreOptions::connect`].
    pub fn options() -> EventStoreOptions {
        EventStoreOptions::default()
    }

    pub(super) async fn connect_with(options: EventStoreOptions, url: &str) -> Result<Self, Error> {
        let EventStoreOptions { settings, limits, queue } = options;
        let database = Database::new(url, &settings)?;
        statements::FORMAT.prepare(&database, settings.migrations).await?;
        let statements = Arc::new(Statements::new(&database.schema));
        let reader = Arc::new(Reader { database, statements });
        let log_id = reader.log_id().await?;
        let head = Head::new(Arc::clone(&reader), reader.head().await?);
        let channel = format!("{}.events", reader.database.schema.name());
        Ok(Self {
            log_id,
            limits,
            loader: Loader::new(Arc::clone(&reader)),
            queue: Arc::new(Queue::new(Arc::clone(&reader), head.clone(), queue)),
            watcher: Arc::new(Watcher::new(&reader.database, url, &settings, channel, head)?),
            reader,
        })
    }
}

impl fmt::Debug for PostgresEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEventStore")
            .field("schema", &self.reader.database.schema.name())
            .field("log_id", &self.log_id)
            .finish_non_exhaustive()
    }
}

impl EventStore for PostgresEventStore {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        Box::pin(async move {
            let appended = self.queue.append(Checked::new(append, &self.limits)?).await;
            appended.map_err(|error| match error {
                AppendError::Store(error) => AppendError::Store(at(self.reader.database.place(), error)),
                other => other,
            })
        })
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(self.loader.load(load))
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        Box::pin(self.reader.stream(stream, read, limit))
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(self.reader.page(after, filter, limit))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(self.reader.head())
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        Box::pin(self.reader.command(id))
    }

    fn watch(&self) -> watch::Receiver<Position> {
        let receiver = self.watcher.watched().watch();
        self.watcher.start();
        receiver
    }
}

impl SnapshotStore for PostgresEventStore {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        Box::pin(self.reader.snapshot(stream, fingerprint))
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.reader.save_snapshot(snapshot))
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.reader.drop_snapshots(category))
    }
}
