use std::{collections::HashMap, sync::Mutex};

use cqrs_core::store::{Checkpoint, ProjectionId};
use rusqlite::Connection;
use tokio::sync::watch;

use super::projection::Known;
use crate::file::{Transaction, Watched, lock};

/// Tells of new checkpoints.
#[derive(Debug, Default)]
pub(super) struct Progress {
    watched: Mutex<HashMap<ProjectionId, watch::Sender<Option<Checkpoint>>>>,
}

impl Progress {
    pub(super) fn subscribe(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        lock(&self.watched).entry(projection.clone()).or_default().subscribe()
    }

    /// Ends a transaction, and tells of the checkpoints that it leaves. Nobody tells what he has read in between, so that
    /// checkpoints are told in their order.
    pub(super) fn commit(
        &self,
        transaction: Transaction<'_>,
        written: &[(&ProjectionId, Checkpoint)],
    ) -> rusqlite::Result<()> {
        let watched = lock(&self.watched);
        transaction.commit()?;
        for (projection, checkpoint) in written {
            if let Some(sender) = watched.get(projection) {
                send(sender, Some(*checkpoint));
            }
        }
        Ok(())
    }

    /// Ends a transaction that has removed a build, or a partition, and tells that there is no checkpoint any more.
    pub(super) fn commit_removal(
        &self,
        transaction: Transaction<'_>,
        removed: &ProjectionId,
    ) -> rusqlite::Result<()> {
        let watched = lock(&self.watched);
        transaction.commit()?;
        for (_, sender) in watched.iter().filter(|(id, _)| *id == removed || id.whole() == *removed) {
            send(sender, None);
        }
        Ok(())
    }
}

impl Watched for Progress {
    fn is_watched(&self) -> bool {
        lock(&self.watched).values().any(|sender| sender.receiver_count() > 0)
    }

    /// What is read is told before the lock is given up: an older checkpoint never overtakes a newer one.
    fn refresh(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut watched = lock(&self.watched);
        watched.retain(|_, sender| sender.receiver_count() > 0);
        for (projection, sender) in &*watched {
            send(sender, Known::find(connection, projection)?.and_then(|known| known.checkpoint));
        }
        Ok(())
    }
}

fn send(sender: &watch::Sender<Option<Checkpoint>>, checkpoint: Option<Checkpoint>) {
    sender.send_if_modified(|known| std::mem::replace(known, checkpoint) != checkpoint);
}
