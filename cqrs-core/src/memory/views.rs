use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;

use super::table::Table;
use crate::{
    envelope::Position,
    store::{
        BoxFuture, Checkpoint, Commit, CommitError, DeadLetter, Error, Find, ProjectionId, ProjectionSpec,
        Read, Sequence, StoredDocument, ViewStore,
    },
};

/// Documents and checkpoints in memory. Clones are handles of the same store.
#[derive(Clone)]
pub struct MemoryViewStore {
    projections: Arc<Mutex<HashMap<ProjectionId, Arc<Kept>>>>,
    max_document_bytes: usize,
}

#[derive(Default)]
struct Kept {
    table: RwLock<Table>,
    progress: watch::Sender<Option<Checkpoint>>,
}

impl Kept {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryViewStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { projections: Arc::default(), max_document_bytes: 16 * 1024 * 1024 }
    }

    /// Limits the size of one document that this handle takes; 16 MiB by default.
    #[must_use]
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    fn kept(&self, projection: &ProjectionId) -> Arc<Kept> {
        let mut projections = self.projections.lock().unwrap_or_else(PoisonError::into_inner);
        match projections.get(projection) {
            Some(kept) => Arc::clone(kept),
            None => Arc::clone(projections.entry(projection.clone()).or_default()),
        }
    }
}

impl Default for MemoryViewStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryViewStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let projections = self.projections.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<String> = projections.keys().map(ToString::to_string).collect();
        f.debug_struct("MemoryViewStore").field("projections", &names).finish_non_exhaustive()
    }
}

impl ViewStore for MemoryViewStore {
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.kept(&projection.id).write().prepare(projection) })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move { Ok(self.kept(projection).read().checkpoint) })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            let kept = self.kept(projection);
            let table = kept.read();
            Ok(keys.iter().filter_map(|key| table.get(key)).collect())
        })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        Box::pin(async move {
            let kept = self.kept(projection);
            let mut table = kept.write();
            table.commit(projection, commit, self.max_document_bytes)?;
            // Under the lock, so that watchers see checkpoints in their order.
            kept.progress.send_replace(table.checkpoint);
            Ok(())
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            let kept = self.kept(projection);
            let table = kept.read();
            let value = table.get(key).filter(|document| document.data.is_some());
            Ok(Read { value, checkpoint: table.checkpoint })
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(async move {
            let kept = self.kept(projection);
            let table = kept.read();
            Ok(Read { value: table.find(projection, find)?, checkpoint: table.checkpoint })
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move { Ok(self.kept(projection).read().parked_sequences()) })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move { Ok(self.kept(projection).read().dead_letters(after, limit)) })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.kept(projection).progress.subscribe()
    }
}
