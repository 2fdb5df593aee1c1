use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use cqrs_core::store::{Change, Checkpoint, Commit, CommitError, Error, ProjectionId};
use rusqlite::Connection;
use tokio::sync::Mutex as AsyncMutex;

use super::{ViewStoreOptions, progress::Progress, projection::Known, statements};
use crate::file::{Database, Doing, Lane, Pace, Poller, Readers, Transaction, off_thread};

/// A view store in one SQLite file. Clones are handles of the same store.
///
/// Several processes may work on the same file. Each build of each projection has a table of its own, such as
/// `view_order_summary_v1`, or `view_order_summary_v1_build2` where that version was built anew, and each declared index a
/// column, such as `index_customer_id`.
#[derive(Clone)]
pub struct SqliteViewStore {
    path: Arc<Path>,
    document_bytes: usize,
    pub(super) patience: Duration,
    /// The indexes that this program declares for each build, in its order.
    pub(super) declared: Arc<Mutex<HashMap<ProjectionId, Vec<String>>>>,
    pub(super) writer: Arc<AsyncMutex<Connection>>,
    pub(super) pace: Arc<Pace>,
    pub(super) readers: Arc<Readers>,
    pub(super) progress: Arc<Progress>,
    pub(super) poller: Arc<Poller<Progress>>,
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
    pub(super) async fn read<T: Send + 'static>(
        &self,
        projection: &ProjectionId,
        lane: Lane,
        doing: &'static str,
        work: impl FnOnce(&Connection, &ProjectionId, &Known) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<(T, Option<Checkpoint>)>, Error> {
        let projection = projection.clone();
        let read = move |connection: &Connection| {
            let Some(known) = Known::to_read(connection, &projection).doing(doing)? else { return Ok(None) };
            let value = work(connection, &projection, &known)?;
            Ok(Some((value, known.checkpoint)))
        };
        self.readers.read(lane, doing, read).await
    }

    /// Writes something small, all or nothing, where it may block.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let patience = self.patience;
        let write = move || {
            let transaction = Transaction::immediate(&writer, patience)?;
            let done = work(&writer)?;
            transaction.commit()?;
            Ok(done)
        };
        off_thread(doing, write).await?.doing(doing)
    }

    /// Brings all documents into text, and refuses what is too large.
    pub(super) fn checked(
        &self,
        projection: &ProjectionId,
        mut commit: Commit,
    ) -> Result<Commit, CommitError> {
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

impl fmt::Debug for SqliteViewStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteViewStore").field("path", &self.path).finish_non_exhaustive()
    }
}
