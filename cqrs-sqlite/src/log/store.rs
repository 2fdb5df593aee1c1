use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use cqrs_core::{
    envelope::{CommandId, LogId, Position, RecordedEvent, StreamId},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        RecordedCommand, Snapshot, SnapshotStore, StreamRead,
    },
};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{oneshot, watch};

use super::{
    EventStoreOptions,
    job::{Checked, Job},
    options::Limits,
    queue::{Queue, Submitted},
    read, rows, statements,
    writer::Writer,
};
use crate::file::{Database, Doing, Lane, Poller, Readers, Transaction, Watched, off_thread, uuid};

/// An event store in one SQLite file. Clones are handles of the same store.
///
/// Several processes may work on the same file. Appends that arrive while a commit runs go into the next one
/// together; readers never wait for them.
#[derive(Clone)]
pub struct SqliteEventStore {
    path: Arc<Path>,
    log_id: LogId,
    limits: Limits,
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    head: watch::Sender<Position>,
    poller: Arc<Poller<Head>>,
}

impl SqliteEventStore {
    /// Opens the log in this file with the default [options](Self::options).
    ///
    /// # Errors
    ///
    /// As [`EventStoreOptions::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options().open(path).await
    }

    /// How to open a log, to be changed before [`EventStoreOptions::open`].
    pub fn options() -> EventStoreOptions {
        EventStoreOptions::default()
    }

    pub(super) async fn open_with(options: EventStoreOptions, path: PathBuf) -> Result<Self, Error> {
        off_thread("opens its file", move || Self::open_blocking(options, &path)).await?
    }

    fn open_blocking(options: EventStoreOptions, path: &Path) -> Result<Self, Error> {
        let patience = options.settings.busy_timeout;
        let (database, connection) = Database::open(path, options.settings, &statements::FORMAT)?;
        let log_id = identify(&connection, patience)?;
        let database = Arc::new(database);
        let head = watch::Sender::new(rows::head(&connection).doing("reads the head of the log")?);
        let watched = Arc::new(Head(head.clone()));
        Ok(Self {
            path: database.path.as_path().into(),
            log_id,
            limits: options.limits,
            queue: Arc::new(Queue::new(Writer::new(connection, head.clone()), options.queue, patience)?),
            readers: Readers::new(Arc::clone(&database)),
            head,
            poller: Arc::new(Poller::new(database, watched)),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn submit<T, E: From<Error>>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, E>>,
        busy: impl FnOnce(usize) -> E,
        lost: impl FnOnce(oneshot::error::RecvError) -> E,
    ) -> Result<T, E> {
        match self.queue.submit(job) {
            // A caller in a loop leaves the thread to others in between.
            Submitted::InPlace => tokio::task::yield_now().await,
            Submitted::Queued => {}
            Submitted::Refused { limit } => return Err(busy(limit)),
        }
        answer.await.unwrap_or_else(|error| Err(lost(error)))
    }
}

/// The log's id, which it is given once.
fn identify(connection: &Connection, patience: std::time::Duration) -> Result<LogId, Error> {
    let doing = "reads the id of the log";
    let known = |connection: &Connection| {
        connection.query_row(statements::LOG_ID, [], |row| uuid(row, 0)).optional().doing(doing)
    };
    if let Some(id) = known(connection)? {
        return Ok(LogId::from_uuid(id));
    }
    let transaction = Transaction::immediate(connection, patience).doing(doing)?;
    if let Some(id) = known(connection)? {
        return Ok(LogId::from_uuid(id));
    }
    let id = LogId::generate();
    connection.execute(statements::INSERT_LOG_ID, [id.as_uuid().as_bytes()]).doing(doing)?;
    transaction.commit().doing(doing)?;
    Ok(id)
}

impl fmt::Debug for SqliteEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEventStore")
            .field("path", &self.path)
            .field("log_id", &self.log_id)
            .finish_non_exhaustive()
    }
}

impl EventStore for SqliteEventStore {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        Box::pin(async move {
            let append = Checked::new(append, &self.limits)?;
            let (answer, outcome) = oneshot::channel();
            self.submit(
                Job::Append(append, answer),
                outcome,
                |limit| AppendError::Busy { limit },
                |error| AppendError::OutcomeUnknown { source: error.into() },
            )
            .await
        })
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(async move {
            let (stream, snapshot, command) = (load.stream.clone(), load.snapshot, load.command);
            let doing = "loads a stream";
            let load = move |connection: &Connection| {
                read::load(connection, &stream, snapshot, command).doing(doing)
            };
            self.readers.read(Lane::Point, doing, load).await
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        Box::pin(async move {
            let stream = stream.clone();
            let doing = "reads a stream";
            let page =
                move |connection: &Connection| read::stream(connection, &stream, read, limit).doing(doing);
            self.readers.read(Lane::Page, doing, page).await
        })
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move {
            let filter = filter.clone();
            let doing = "reads the log";
            let page =
                move |connection: &Connection| read::log(connection, after, &filter, limit).doing(doing);
            self.readers.read(Lane::Page, doing, page).await
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move {
            let doing = "reads the head of the log";
            self.readers.read(Lane::Point, doing, move |connection| rows::head(connection).doing(doing)).await
        })
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        Box::pin(async move {
            let doing = "looks up a command";
            let find = move |connection: &Connection| rows::command(connection, id).doing(doing);
            self.readers.read(Lane::Point, doing, find).await
        })
    }

    fn watch(&self) -> watch::Receiver<Position> {
        let receiver = self.head.subscribe();
        self.poller.start();
        receiver
    }
}

impl SnapshotStore for SqliteEventStore {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        Box::pin(async move {
            let stream = stream.clone();
            let doing = "reads a snapshot";
            let find = move |connection: &Connection| {
                rows::snapshot(connection, statements::SNAPSHOT, &stream, fingerprint).doing(doing)
            };
            self.readers.read(Lane::Point, doing, find).await
        })
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let (answer, outcome) = oneshot::channel();
            let doing = "keeps a snapshot";
            self.submit(
                Job::SaveSnapshot(snapshot, answer),
                outcome,
                |limit| Error::unavailable(doing, AppendError::Busy { limit }),
                |error| Error::unavailable(doing, error),
            )
            .await
        })
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (answer, outcome) = oneshot::channel();
            let doing = "drops snapshots";
            self.submit(
                Job::DropSnapshots(category.to_owned(), answer),
                outcome,
                |limit| Error::unavailable(doing, AppendError::Busy { limit }),
                |error| Error::unavailable(doing, error),
            )
            .await
        })
    }
}

/// The head of the log, for the poller.
struct Head(watch::Sender<Position>);

impl Watched for Head {
    fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    fn refresh(&self, connection: &Connection) -> rusqlite::Result<()> {
        let head = rows::head(connection)?;
        self.0.send_if_modified(|known| {
            let news = *known < head;
            *known = head.max(*known);
            news
        });
        Ok(())
    }
}
