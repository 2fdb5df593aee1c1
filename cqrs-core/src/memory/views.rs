use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;

use super::{coordination::Entries, ledger::Ledger, table::Table};
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
    /// By the ids of whole builds.
    builds: Arc<Mutex<HashMap<ProjectionId, Arc<RwLock<Table>>>>>,
    entries: Arc<Mutex<Entries>>,
    max_document_bytes: usize,
}

fn read(table: &RwLock<Table>) -> RwLockReadGuard<'_, Table> {
    table.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(table: &RwLock<Table>) -> RwLockWriteGuard<'_, Table> {
    table.write().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryViewStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { builds: Arc::default(), entries: Arc::default(), max_document_bytes: 16 * 1024 * 1024 }
    }

    /// Limits the size of one document that this handle takes; 16 MiB by default.
    #[must_use]
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    /// The build that this is, or that it is a partition of.
    fn build(&self, projection: &ProjectionId) -> Arc<RwLock<Table>> {
        Arc::clone(self.builds().entry(projection.whole()).or_default())
    }

    fn builds(&self) -> MutexGuard<'_, HashMap<ProjectionId, Arc<RwLock<Table>>>> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        let names: Vec<String> = self.builds().keys().map(ToString::to_string).collect();
        f.debug_struct("MemoryViewStore").field("projections", &names).finish_non_exhaustive()
    }
}

impl ViewStore for MemoryViewStore {
    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { write(&self.build(&projection.id)).prepare(projection) })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move { Ok(read(&self.build(projection)).checkpoint(projection.partition)) })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            let build = self.build(projection);
            let table = read(&build);
            Ok(keys.iter().filter_map(|key| table.get(key)).collect())
        })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        Box::pin(async move {
            // Under the lock, so that watchers see checkpoints in their order.
            write(&self.build(projection)).commit(projection, commit, self.max_document_bytes)
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            let build = self.build(projection);
            let table = read(&build);
            let value = table.get(key).filter(|document| document.data.is_some());
            Ok(Read { value, checkpoint: table.checkpoint(projection.partition) })
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(async move {
            let build = self.build(projection);
            let table = read(&build);
            Ok(Read {
                value: table.find(projection, find)?,
                checkpoint: table.checkpoint(projection.partition),
            })
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move {
            let build = self.build(projection);
            Ok(read(&build).known(projection.partition).map(Ledger::parked_sequences).unwrap_or_default())
        })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            let build = self.build(projection);
            let table = read(&build);
            let known = table.known(projection.partition);
            Ok(known.map(|ledger| ledger.dead_letters(of, after, limit)).unwrap_or_default())
        })
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        Box::pin(async move {
            let all = self.builds();
            let named = all.iter().filter(|(id, _)| id.name == name);
            let mut builds: Vec<Build> =
                named.flat_map(|(id, table)| read(table).builds(id).collect::<Vec<_>>()).collect();
            builds.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(builds)
        })
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            write(&self.build(projection)).remove(projection.partition);
            Ok(())
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        write(&self.build(projection)).ledger(projection.partition).progress.subscribe()
    }
}
