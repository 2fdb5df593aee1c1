use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{BoxFuture, Checkpoint, Error, ProjectionId},
};
use jiff::{civil, tz::TimeZone};
use tokio::sync::watch;
use uuid::Uuid;

use super::{projection::Progressed, statements::Statements, tables::look};
use crate::database::{Database, Watched};

/// Tells of new checkpoints.
#[derive(Debug)]
pub(super) struct Progress {
    watched: Mutex<HashMap<ProjectionId, Told>>,
    statements: Arc<Statements>,
}

/// What the watchers of a projection were told.
#[derive(Debug, Default)]
struct Told {
    checkpoint: watch::Sender<Option<Checkpoint>>,
    revision: u64,
    /// How often something was told.
    times: u64,
}

impl Told {
    fn tell(&mut self, progressed: Progressed) {
        self.revision = progressed.revision;
        self.times += 1;
        let new = progressed.checkpoint;
        self.checkpoint.send_if_modified(|known| std::mem::replace(known, new) != new);
    }
}

impl Progress {
    pub(super) fn new(statements: Arc<Statements>) -> Self {
        Self { watched: Mutex::default(), statements }
    }

    pub(super) fn subscribe(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.watched().entry(projection.clone()).or_default().checkpoint.subscribe()
    }

    /// Tells what is newer than what was told: news come by several ways, and may overtake each other.
    pub(super) fn tell(&self, projection: &ProjectionId, progressed: Progressed) {
        if let Some(told) = self.watched().get_mut(projection)
            && progressed.revision > told.revision
        {
            told.tell(progressed);
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<ProjectionId, Told>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The projections that somebody watches, and how often something was told of each.
    fn times(&self) -> Vec<(ProjectionId, u64)> {
        let mut watched = self.watched();
        watched.retain(|_, told| told.checkpoint.receiver_count() > 0);
        watched.iter().map(|(projection, told)| (projection.clone(), told.times)).collect()
    }

    /// Tells what was read after so many times of telling; `None` where there is no such build. If nothing was told in
    /// between it is the truth, also where it is older than what was told: the views may have been put back.
    fn correct(&self, projection: &ProjectionId, times: u64, progressed: Option<Progressed>) {
        if let Some(told) = self.watched().get_mut(projection) {
            // Of a build that is gone, nothing older is told any more.
            let gone = Progressed { revision: told.revision, checkpoint: None };
            let progressed = progressed.unwrap_or(gone);
            if told.times == times || progressed.revision > told.revision {
                told.tell(progressed);
            }
        }
    }
}

impl Watched for Progress {
    fn is_watched(&self) -> bool {
        self.watched().values().any(|told| told.checkpoint.receiver_count() > 0)
    }

    fn told(&self, payload: &str) {
        match read(payload) {
            Ok((projection, progressed)) => self.tell(&projection, progressed),
            // By a foreign hand: what is true comes with the next look.
            Err(error) => tracing::debug!(%error, "a notification can't be read"),
        }
    }

    fn refresh<'a>(&'a self, database: &'a Database) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for (projection, times) in self.times() {
                let known = look(database, &self.statements, &projection).await?;
                self.correct(&projection, times, known.map(|known| known.progress));
            }
            Ok(())
        })
    }
}

/// What `tell.sql` says, in its order; that of `remove.sql` has no checkpoint.
type Payload = (String, u32, u32, String, u64, Option<ToldCheckpoint>);
type ToldCheckpoint = (Uuid, u64, u64, civil::DateTime, Option<Uuid>, bool, u64, u64, String, u16);

fn read(payload: &str) -> Result<(ProjectionId, Progressed), Box<dyn std::error::Error>> {
    let (name, version, generation, partition, revision, checkpoint) =
        serde_json::from_str::<Payload>(payload)?;
    let id = ProjectionId::new(name, version).generation(generation).partition(partition.parse()?);
    let checkpoint = checkpoint.map(read_checkpoint).transpose()?;
    Ok((id, Progressed { revision, checkpoint }))
}

fn read_checkpoint(
    (log, position, head, as_of, last, diverged, parked, fence, standing, partitions): ToldCheckpoint,
) -> Result<Checkpoint, Box<dyn std::error::Error>> {
    Ok(Checkpoint {
        log: LogId::from_uuid(log),
        position: Position::new(position),
        last: last.map(EventId::from_uuid),
        diverged,
        head: Position::new(head),
        as_of: as_of.to_zoned(TimeZone::UTC)?.timestamp(),
        parked,
        fence,
        standing: standing.parse()?,
        partitions,
    })
}
