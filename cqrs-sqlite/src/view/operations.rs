use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DeadLetter, Error, Find,
        ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore,
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
            let batch = self.batch(projection.clone(), self.checked(projection, commit)?);
            self.write_batches(vec![batch]).await.pop().expect("there is an answer for each batch")
        })
    }

    /// In one transaction.
    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        Box::pin(async move {
            let (mut answers, mut sound) = (Vec::with_capacity(batches.len()), Vec::new());
            for (projection, commit) in batches {
                answers.push(match self.checked(&projection, commit) {
                    Ok(commit) => {
                        sound.push(self.batch(projection, commit));
                        Ok(())
                    }
                    Err(error) => Err(error),
                });
            }
            if !sound.is_empty() {
                let written = self.write_batches(sound).await;
                for (answer, written) in answers.iter_mut().filter(|answer| answer.is_ok()).zip(written) {
                    *answer = written;
                }
            }
            answers
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

    /// Writes batches, each or not by itself: on the caller's thread where that takes no time.
    async fn write_batches(&self, batches: Vec<Batch>) -> Vec<Result<(), CommitError>> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let (few, count) = (batches.iter().map(Batch::rows).sum::<usize>() <= FEW, batches.len());
        let all = |error: Error| (0..count).map(|_| Err(error.clone().into())).collect();
        if few && self.pace.is_quick() {
            match self.pace.time(|| write(&writer, &batches, &self.progress, Duration::ZERO)) {
                Ok(written) => return written,
                Err(error) if is_busy(&error) => {}
                Err(error) => return all(Failure::new(WRITES, error).into()),
            }
        }
        let (progress, pace, patience) = (Arc::clone(&self.progress), Arc::clone(&self.pace), self.patience);
        let wait = move || {
            let write = || write(&writer, &batches, &progress, patience);
            if few { pace.time(write) } else { write() }
        };
        match off_thread(WRITES, wait).await {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => all(Failure::new(WRITES, error).into()),
            Err(error) => all(error),
        }
    }
}

/// Writes batches in one transaction where the right to write is to be had within `patience`; else it comes back. Those that
/// are refused leave nothing, and the others are written.
fn write(
    writer: &OwnedMutexGuard<Connection>,
    batches: &[Batch],
    progress: &Progress,
    patience: Duration,
) -> Result<Vec<Result<(), CommitError>>, rusqlite::Error> {
    let all = |error: Error| batches.iter().map(|_| Err(error.clone().into())).collect();
    let transaction = Transaction::immediate(writer, patience)?;
    let (mut written, mut answers) = (Vec::with_capacity(batches.len()), Vec::with_capacity(batches.len()));
    let write = if batches.len() == 1 { Batch::write } else { Batch::write_or_undo };
    for batch in batches {
        match write(batch, writer) {
            Ok(checkpoint) => {
                written.push((&batch.projection, checkpoint));
                answers.push(Ok(()));
            }
            // Not of this batch: nothing is written.
            Err(CommitError::Store(error)) if !matches!(error, Error::Invalid { .. }) => {
                return Ok(all(error));
            }
            Err(refused) => answers.push(Err(refused)),
        }
    }
    if !written.is_empty()
        && let Err(error) = progress.commit(transaction, &written).doing(WRITES)
    {
        return Ok(all(error));
    }
    Ok(answers)
}
