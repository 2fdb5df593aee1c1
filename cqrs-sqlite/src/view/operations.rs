use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DeadLetter, Error, Find,
        ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore, commit_each,
    },
};
use rusqlite::Connection;
use tokio::sync::{OwnedMutexGuard, watch};

use super::{
    SqliteViewStore,
    commit::Batch,
    dead_letter, documents, find, names, prepare,
    progress::Progress,
    projection::{Known, builds},
};
use crate::file::{Doing, Failure, Lane, Transaction, is_busy, lock, off_thread};

const WRITES: &str = "writes a batch of a projection";

/// Batches and loads of more documents than this are never done on the caller's thread.
const FEW: usize = 16;

impl ViewStore for SqliteViewStore {
    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

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
            lock(&self.declared).insert(projection.id.whole(), indexes);
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
            let few = commit.documents.len() + commit.parked.len() + commit.resolved.len() <= FEW;
            self.write_batches(vec![self.batch(projection.clone(), commit)], few).await
        })
    }

    fn advance(&self, moves: Vec<(ProjectionId, Commit)>) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            if moves.is_empty() {
                return Ok(());
            }
            if !moves.iter().all(|(_, commit)| commit.is_bare()) {
                return commit_each(self, moves).await;
            }
            let few = moves.len() <= FEW;
            let batches = moves.into_iter().map(|(projection, commit)| self.batch(projection, commit));
            self.write_batches(batches.collect(), few).await
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
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            let doing = "reads dead letters";
            let of = of.cloned();
            let list = move |connection: &Connection, id: &ProjectionId, _: &Known| {
                dead_letter::letters(connection, id, of.as_ref(), after, limit).doing(doing)
            };
            Ok(self.read(projection, Lane::Page, doing, list).await?.unwrap_or_default().0)
        })
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        Box::pin(async move {
            let name = name.to_owned();
            let doing = "lists the builds of a projection";
            let list = move |connection: &Connection| builds(connection, &name).doing(doing);
            self.readers.read(Lane::Point, doing, list).await
        })
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let writer = Arc::clone(&self.writer).lock_owned().await;
            let (id, patience) = (projection.clone(), self.patience);
            let (declared, progress) = (Arc::clone(&self.declared), Arc::clone(&self.progress));
            let doing = "removes a build of a projection";
            let remove = move || {
                let transaction = Transaction::immediate(&writer, patience)?;
                prepare::remove(&writer, &id)?;
                progress.commit_removal(transaction, &id)?;
                // Of a partition there are none.
                lock(&declared).remove(&id);
                Ok(())
            };
            off_thread(doing, remove).await?.doing(doing)
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let receiver = self.progress.subscribe(projection);
        self.poller.start();
        receiver
    }
}

impl SqliteViewStore {
    fn batch(&self, projection: ProjectionId, commit: Commit) -> Batch {
        let declared = lock(&self.declared).get(&projection.whole()).cloned();
        Batch { projection, commit, declared }
    }

    /// Writes one batch, or several that are bare: on the caller's thread where that takes no time.
    async fn write_batches(&self, batches: Vec<Batch>, few: bool) -> Result<(), CommitError> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        if few && self.pace.is_quick() {
            match self.pace.time(|| write(&writer, &batches, &self.progress, Duration::ZERO)) {
                Ok(written) => return written,
                Err(error) if is_busy(&error) => {}
                Err(error) => return Err(Error::from(Failure::new(WRITES, error)).into()),
            }
        }
        let (progress, pace, patience) = (Arc::clone(&self.progress), Arc::clone(&self.pace), self.patience);
        let wait = move || {
            let write = || write(&writer, &batches, &progress, patience);
            if few { pace.time(write) } else { write() }
        };
        off_thread(WRITES, wait).await?.map_err(|error| Error::from(Failure::new(WRITES, error)))?
    }
}

/// Writes batches where the right to write is to be had within `patience`; else it comes back. Of several, which have to be
/// bare, those that are refused stay alone: a bare one is refused before it changes anything.
fn write(
    writer: &OwnedMutexGuard<Connection>,
    batches: &[Batch],
    progress: &Progress,
    patience: Duration,
) -> Result<Result<(), CommitError>, rusqlite::Error> {
    let transaction = Transaction::immediate(writer, patience)?;
    let mut written = Vec::with_capacity(batches.len());
    let mut first = Ok(());
    for batch in batches {
        match batch.write(writer) {
            Ok(checkpoint) => written.push((&batch.projection, checkpoint)),
            // Not of this batch: nothing is written.
            Err(CommitError::Store(error)) if !matches!(error, Error::Invalid { .. }) => {
                return Ok(Err(error.into()));
            }
            Err(refused) => first = first.and(Err(refused)),
        }
    }
    if !written.is_empty()
        && let Err(error) = progress.commit(transaction, &written).doing(WRITES)
    {
        return Ok(Err(error.into()));
    }
    Ok(first)
}
