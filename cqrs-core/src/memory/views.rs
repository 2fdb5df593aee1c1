use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;

use super::{coordination::Entries, table::Table};
use crate::{
    envelope::{Json, Position},
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DeadLetter, Entry, Error, Find,
        ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore,
    },
};

/// Documents and checkpoints in memory. Clones are handles of the same store.
#[derive(Clone)]
pub struct MemoryViewStore {
    projections: Arc<Mutex<HashMap<ProjectionId, Arc<Kept>>>>,
    entries: Arc<Mutex<Entries>>,
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
        Self { projections: Arc::default(), entries: Arc::default(), max_document_bytes: 16 * 1024 * 1024 }
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

impl MemoryViewStore {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CoordinationStore for MemoryViewStore {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move { Ok(self.entries().of(group)) })
    }

    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move { Ok(self.entries().put(group, key, expected, value)) })
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        Box::pin(async move { Ok(self.entries().touch(group, held)) })
    }

    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move { Ok(self.entries().remove(group, key, expected)) })
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
    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

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
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move { Ok(self.kept(projection).read().dead_letters(of, after, limit)) })
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        Box::pin(async move {
            let projections = self.projections.lock().unwrap_or_else(PoisonError::into_inner);
            let named = projections.iter().filter(|(id, _)| id.name == name);
            let mut builds: Vec<Build> = named.filter_map(|(id, kept)| kept.read().build(id)).collect();
            builds.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(builds)
        })
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let kept = self.kept(projection);
            let mut table = kept.write();
            *table = Table::default();
            // Under the lock, so that watchers see checkpoints in their order.
            kept.progress.send_replace(None);
            Ok(())
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.kept(projection).progress.subscribe()
    }
}
