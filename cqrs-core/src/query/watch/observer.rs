use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::observers::{Ending, Observed};
use crate::{
    envelope::{LogId, Position},
    store::{Checkpoint, Error},
};

/// How long the read store is trusted to tell of news by itself. It is also how long, at most, an outage stays unseen
/// while nothing moves.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest time from one look at the documents to the next: batches that follow each other closely are seen
/// together.
const REST: Duration = Duration::from_millis(10);

/// How long the read store may take for one answer, where it has no bound of its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many documents are loaded at once.
const CHUNK: usize = 500;

/// The longest pause, before jitter, until a read store that is away is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between attempts at a read store that is away: from 50 ms on they double, with jitter of up to as much again.
pub(super) fn pauses() -> impl Iterator<Item = Duration> + Send + use<> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

/// What of a checkpoint says that documents may have changed. A heartbeat does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    log: LogId,
    position: Position,
    /// A parked event that is applied later moves its document, and not the position.
    parked: u64,
    diverged: bool,
}

impl Mark {
    fn of(checkpoint: Option<&Checkpoint>) -> Option<Self> {
        let Checkpoint { log, position, parked, diverged, .. } = *checkpoint?;
        Some(Self { log, position, parked, diverged })
    }
}

/// Where the documents were looked at: as the store has told, and as it has answered. The two differ for a while where
/// replicas answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looked {
    told: Option<Mark>,
    answered: Option<Mark>,
}

/// Looks for changes until nobody watches.
pub(super) async fn observe(ending: Ending) {
    let observed = &*ending.observed;
    tokio::select! {
        () = abandoned(observed) => {}
        () = look_for_ever(observed) => {}
    }
}

async fn abandoned(observed: &Observed) {
    while !observed.is_abandoned() {
        observed.abandoned.notified().await;
    }
}

/// Comes back only where the store is closed.
async fn look_for_ever(observed: &Observed) {
    let projection = &observed.projection;
    let mut news = observed.store.watch(projection);
    let mut looked = None;
    let mut trouble = None;
    loop {
        let told = Mark::of(news.borrow_and_update().as_ref());
        match look(observed, told, looked).await {
            Ok(now) => {
                if trouble.take().is_some() {
                    tracing::info!(%projection, "watched views can be read again");
                }
                if looked.replace(now) != Some(now) {
                    tokio::time::sleep(REST).await;
                }
                let moved = news.wait_for(|at| Mark::of(at.as_ref()) != told);
                if let Ok(Err(_)) = tokio::time::timeout(LOOK_AGAIN, moved).await {
                    return observed.tell_away(Error::Closed);
                }
            }
            Err(error) => {
                if trouble.is_none() {
                    tracing::warn!(%projection, error = &error as &dyn std::error::Error, "watched views can't be read");
                }
                observed.tell_away(error);
                // Once it is back, each document is shown again.
                looked = None;
                let pause = trouble.get_or_insert_with(pauses).next().unwrap_or(LONGEST_PAUSE);
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Loads what is watched, where the projection has moved since.
async fn look(observed: &Observed, told: Option<Mark>, before: Option<Looked>) -> Result<Looked, Error> {
    let Observed { store, projection, .. } = observed;
    // The checkpoint first: the documents are not older than it.
    let checkpoint = in_time(store.checkpoint(projection)).await?;
    let now = Looked { told, answered: Mark::of(checkpoint.as_ref()) };
    if before != Some(now) {
        // Whoever joins from here on reads for the first time after this checkpoint, and so misses nothing of it.
        for keys in observed.keys().chunks(CHUNK) {
            observed.tell(checkpoint, keys, in_time(store.load(projection, keys)).await?);
        }
    }
    Ok(now)
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late =
        |_| Error::unavailable("reads watched views", format!("it did not answer within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, answer).await.map_err(late)?
}
