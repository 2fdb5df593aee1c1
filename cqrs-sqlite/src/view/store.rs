use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use cqrs_core::{
    envelope::Position,
    store::{
        BoxFuture, Change, Checkpoint, Commit, CommitError, DeadLetter, Error, Find, ProjectionId,
        ProjectionSpec, Read, Sequence, StoredDocument, ViewStore,
    },
};
use rusqlite::Connection;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

use super::{
    ViewStoreOptions, commit::Batch, dead_letter, documents, find, names, prepare, progress::Progress,
    projection::Known, statements,
};
use crate::file::{
    Database, Doing, Failure, Lane, Pace, Poller, Readers, Transaction, is_busy, lock, off_thread,
};

const WRITES: &str = "writes a batch of a projection";

/// Batches and loads of more documents than this are never done on the caller's thread.
const FEW: usize = 16;

/// A view store in one SQLite file. Clones are handles of the same store.
///
/// Several processes may work on the same file. Each version of each projection has a table of its own, such as
/// `view_order_summary_v1`, and each declared index a column, such as `index_customer_id`.
#[derive(Clone)]
pub struct SqliteViewStore {
    path: Arc<Path>,
    document_bytes: usize,
    patience: Duration,
    /// The indexes that this program declares, in its order.
    declared: Arc<Mutex<HashMap<ProjectionId, Vec<String>>>>,
    writer: Arc<AsyncMutex<Connection>>,
    pace: Arc<Pace>,
    readers: Arc<Readers>,
    progress: Arc<Progress>,
    poller: Arc<Poller<Progress>>,
}

impl SqliteViewStore {
    /// Opens the views in this file with the default [options](Self::options).
    ///
    /// # Errors
    ///
    /// As [`ViewStoreOptions::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options().open(path).await
    }

    /// How to open views, to be changed before [`ViewStoreOptions::open`].
    pub fn options() -> ViewStoreOptions {
        ViewStoreOptions::default()
    }

    pub(super) async fn open_with(options: ViewStoreOptions, path: PathBuf) -> Result<Self, Error> {
        off_thread("opens its file", move || {
            let patience = options.settings.busy_timeout;
            let (database, connection) = Database::open(&path, options.settings, &statements::FORMAT)?;
            let database = Arc::new(database);
            let progress = Arc::new(Progress::default());
            Ok(Self {
                path: database.path.as_path().into(),
                document_bytes: options.document_bytes,
                patience,
                declared: Arc::default(),
                writer: Arc::new(AsyncMutex::new(connection)),
                pace: Arc::default(),
                readers: Readers::new(Arc::clone(&database)),
                progress: Arc::clone(&progress),
                poller: Arc::new(Poller::new(database, progress)),
            })
        })
        .await?
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads of a projection: nothing, where it was never prepared.
    async fn read<T: Send + 'static>(
        &self,
        projection: &ProjectionId,
        lane: Lane,
        doing: &'static str,
        work: impl FnOnce(&Connection, &ProjectionId, &Known) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<(T, Option<Checkpoint>)>, Error> {
        let projection = projection.clone();
        let read = move |connection: &Connection| {
            let Some(known) = Known::find(connection, &projection).doing(doing)? else { return Ok(None) };
            let value = work(connection, &projection, &known)?;
            Ok(Some((value, known.checkpoint)))
        };
        self.readers.read(lane, doing, read).await
    }

    /// Brings all documents into text, and refuses what is too large.
    fn checked(&self, projection: &ProjectionId, mut commit: Commit) -> Result<Commit, CommitError> {
        for document in &mut commit.documents {
            let Change::Put { data, .. } = &mut document.change else { continue };
            let text = data.clone().into_text().map_err(|error| CommitError::Unfit {
                projection: projection.clone(),
                key: document.key.clone(),
                reason: error.to_string(),
            })?;
            if text.len() > self.document_bytes {
                return Err(CommitError::TooLarge {
                    projection: projection.clone(),
                    key: document.key.clone(),
                    size: text.len(),
                    limit: self.document_bytes,
                });
            }
            *data = text.into();
        }
        Ok(commit)
    }
}

/// Writes a batch where the right to write is to be had within `patience`; else it comes back.
fn write(
    writer: &OwnedMutexGuard<Connection>,
    batch: &Batch,
    progress: &Progress,
    patience: Duration,
) -> Result<Result<(), CommitError>, rusqlite::Error> {
    let transaction = Transaction::immediate(writer, patience)?;
    Ok(batch.write(writer, transaction).map(|checkpoint| progress.tell(&batch.projection, checkpoint)))
}

impl fmt::Debug for SqliteViewStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteViewStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ViewStore for SqliteViewStore {
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::check(projection)?;
            let writer = Arc::clone(&self.writer).lock_owned().await;
            let (spec, patience) = (projection.clone(), self.patience);
            off_thread("prepares a projection", move || {
                if prepare::is_ready(&writer, &spec)? {
                    return Ok(());
                }
                prepare::prepare(&writer, &spec, patience)
            })
            .await??;
            let indexes = projection.indexes.iter().map(|index| index.name.to_owned()).collect();
            lock(&self.declared).insert(projection.id.clone(), indexes);
            Ok(())
        })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move {
            let found = self.read(projection, Lane::Point, "reads a checkpoint", |_, _, _| Ok(())).await?;
            Ok(found.and_then(|((), checkpoint)| checkpoint))
        })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            let lane = if keys.len() > FEW { Lane::Page } else { Lane::Point };
            let keys = keys.to_vec();
            let doing = "loads documents";
            let load = move |connection: &Connection, id: &ProjectionId, _: &Known| {
                documents::load(connection, id, &keys).doing(doing)
            };
            let found = self.read(projection, lane, doing, load).await?;
            Ok(found.map_or_else(Vec::new, |(documents, _)| documents))
        })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        Box::pin(async move {
            let commit = self.checked(projection, commit)?;
            let few = commit.documents.len() + commit.parked.len() <= FEW;
            let declared = lock(&self.declared).get(projection).cloned();
            let batch = Batch { projection: projection.clone(), commit, declared };
            let writer = Arc::clone(&self.writer).lock_owned().await;
            if few && self.pace.is_quick() {
                match self.pace.time(|| write(&writer, &batch, &self.progress, Duration::ZERO)) {
                    Ok(written) => return written,
                    Err(error) if is_busy(&error) => {}
                    Err(error) => return Err(Error::from(Failure::new(WRITES, error)).into()),
                }
            }
            let (progress, pace, patience) =
                (Arc::clone(&self.progress), Arc::clone(&self.pace), self.patience);
            let wait = move || {
                let write = || write(&writer, &batch, &progress, patience);
                if few { pace.time(write) } else { write() }
            };
            off_thread(WRITES, wait).await?.map_err(|error| Error::from(Failure::new(WRITES, error)))?
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            let key = [key.to_owned()];
            let doing = "reads a document";
            let get = move |connection: &Connection, id: &ProjectionId, _: &Known| {
                let mut found = documents::load(connection, id, &key).doing(doing)?;
                Ok(found.pop().filter(|document| document.data.is_some()))
            };
            let found = self.read(projection, Lane::Point, doing, get).await?;
            let (value, checkpoint) = found.unwrap_or_default();
            Ok(Read { value, checkpoint })
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(async move {
            let find = find.clone();
            let look = move |connection: &Connection, id: &ProjectionId, known: &Known| {
                find::find(connection, id, &known.indexes, &find)
            };
            let found = self.read(projection, Lane::Page, "looks documents up", look).await?;
            let (value, checkpoint) = found.unwrap_or_default();
            Ok(Read { value, checkpoint })
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move {
            let doing = "reads what is parked";
            let list = move |connection: &Connection, id: &ProjectionId, _: &Known| {
                dead_letter::sequences(connection, id).doing(doing)
            };
            Ok(self.read(projection, Lane::Page, doing, list).await?.unwrap_or_default().0)
        })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            let doing = "reads dead letters";
            let list = move |connection: &Connection, id: &ProjectionId, _: &Known| {
                dead_letter::letters(connection, id, after, limit).doing(doing)
            };
            Ok(self.read(projection, Lane::Page, doing, list).await?.unwrap_or_default().0)
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let receiver = self.progress.subscribe(projection);
        self.poller.start();
        receiver
    }
}
