use std::{collections::BTreeMap, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::observers::{Ending, Observed};
use crate::{
    envelope::{LogId, Position},
    query::{News, Progress},
    store::{Checkpoint, Error, Partition, ProjectionId, Standing},
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

/// What of a checkpoint says that documents may have changed, or another build may answer. A heartbeat does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    log: LogId,
    position: Position,
    /// A parked event that is applied later moves its document, and not the position.
    parked: u64,
    diverged: bool,
    standing: Standing,
    partitions: u16,
}

impl Mark {
    fn of(checkpoint: Option<&Checkpoint>) -> Option<Self> {
        let Checkpoint { log, position, parked, diverged, standing, partitions, .. } = *checkpoint?;
        Some(Self { log, position, parked, diverged, standing, partitions })
    }
}

/// Of the build itself, and of its partitions.
type Marks = BTreeMap<Partition, Option<Mark>>;

/// Where the documents were looked at: as the store has told, and as it has answered. The two differ for a while where
/// replicas answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Looked {
    build: ProjectionId,
    told: Marks,
    answered: Marks,
}

impl Looked {
    fn at(progress: &Progress, told: Marks) -> Self {
        let Progress { build, checkpoint, partitions } = progress;
        let mut answered: Marks = partitions
            .iter()
            .map(|(partition, checkpoint)| (*partition, Mark::of(Some(checkpoint))))
            .collect();
        if answered.is_empty() {
            answered.insert(Partition::WHOLE, Mark::of(checkpoint.as_ref()));
        }
        Self { build: build.clone(), told, answered }
    }

    /// Whether a document may be another one than it was before.
    fn may_have_changed(&self, key: &str, before: Option<&Self>) -> bool {
        let Some(before) = before.filter(|before| before.build == self.build) else { return true };
        let of = self.answered.keys().next().map_or(1, |first| first.of());
        let partition = Partition::of_key(key).among(of);
        [Partition::WHOLE, partition].iter().any(|partition| {
            self.told.get(partition) != before.told.get(partition)
                || self.answered.get(partition) != before.answered.get(partition)
        })
    }
}

fn marks(news: &mut News) -> Marks {
    news.seen().map(|(partition, checkpoint)| (partition, Mark::of(checkpoint.as_ref()))).collect()
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
    let Observed { store, projection, .. } = observed;
    let mut news = store.news(projection);
    let mut looked: Option<Looked> = None;
    let mut trouble = None;
    loop {
        let told = marks(&mut news);
        match look(observed, told.clone(), looked.as_ref()).await {
            Ok(now) => {
                if trouble.take().is_some() {
                    tracing::info!(%projection, "watched views can be read again");
                }
                if looked.as_ref() != Some(&now) {
                    looked = Some(now);
                    tokio::time::sleep(REST).await;
                }
                if !store.is_told_of(projection, &news) {
                    news = store.news(projection);
                    continue;
                }
                let moved = async {
                    while marks(&mut news) == told {
                        if !news.changed().await {
                            return false;
                        }
                    }
                    true
                };
                if let Ok(false) = tokio::time::timeout(LOOK_AGAIN, moved).await {
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

/// Loads what is watched, where what it belongs to has moved since.
async fn look(observed: &Observed, told: Marks, before: Option<&Looked>) -> Result<Looked, Error> {
    let Observed { store, projection, .. } = observed;
    // The checkpoints first: the documents are not older than them.
    let progress = in_time(store.progress(projection)).await?;
    let now = Looked::at(&progress, told);
    if before != Some(&now) {
        // Whoever joins from here on reads for the first time after these, and so misses nothing of it.
        let mut keys = observed.keys();
        keys.retain(|key| now.may_have_changed(key, before));
        for keys in keys.chunks(CHUNK) {
            let documents = in_time(store.load_from(&progress.build, keys)).await?;
            let furthest = keys.iter().filter_map(|key| progress.of(key)).map(|at| at.position).max();
            store.answered(projection, furthest.unwrap_or_default());
            observed.tell(&progress, keys, documents);
        }
    }
    Ok(now)
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late =
        |_| Error::unavailable("reads watched views", format!("it did not answer within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, answer).await.map_err(late)?
}
