use std::{collections::HashMap, sync::Mutex};

use cqrs_core::store::{Checkpoint, ProjectionId};
use rusqlite::Connection;
use tokio::sync::watch;

use super::projection::Known;
use crate::file::{Watched, lock};

/// Tells of new checkpoints.
#[derive(Debug, Default)]
pub(super) struct Progress {
    watched: Mutex<HashMap<ProjectionId, watch::Sender<Option<Checkpoint>>>>,
}

impl Progress {
    pub(super) fn subscribe(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        lock(&self.watched).entry(projection.clone()).or_default().subscribe()
    }

    /// The caller still holds the right to write, so that checkpoints are told in their order.
    pub(super) fn tell(&self, projection: &ProjectionId, checkpoint: Checkpoint) {
        if let Some(sender) = lock(&self.watched).get(projection) {
            send(sender, Some(checkpoint));
        }
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
