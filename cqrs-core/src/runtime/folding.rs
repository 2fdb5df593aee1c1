use std::sync::Arc;

use jiff::Timestamp;

use super::{
    batch::{Foldable, Refolded, Steps},
    place::Place,
    policy::Stop,
    retry::{Attempt, Attempted},
    routed::Routed,
    sent::refusal,
    work::{Batch, Work},
};
use crate::{
    domain::{Feed, FeedSpec, Feeds, OnError, Projection},
    envelope::RecordedEvent,
    store::{BoxFuture, DataFormat, Error, Partition, ProjectionId, ProjectionSpec, Sequence, ViewStore},
};

/// Folds events into the documents of a projection, its type forgotten.
pub(super) struct Folding {
    spec: ProjectionSpec,
    on_error: OnError,
    partitions: u16,
    views: Arc<dyn ViewStore>,
    feeds: Vec<FeedSpec>,
    take_in: Box<TakeIn>,
}

type TakeIn = dyn Fn(Vec<RecordedEvent>, DataFormat) -> Box<dyn Foldable> + Send + Sync;

impl Folding {
    pub(super) fn of<P: Projection>(views: Arc<dyn ViewStore>) -> Self {
        const {
            assert!(
                Partition::is_count(P::PARTITIONS),
                "`PARTITIONS` of a projection is a power of two, from 1 to 1024"
            );
        }
        let feeds = Feeds::<P>::of();
        Self {
            spec: ProjectionSpec::of::<P>(),
            on_error: P::ON_ERROR,
            partitions: P::PARTITIONS,
            views,
            feeds: feeds.iter().map(Feed::spec).collect(),
            take_in: Box::new(move |events, format| Box::new(Steps::of(&feeds, events, format))),
        }
    }
}

impl Folding {
    /// The store does not take a document that all of these events make: tries fewer of them, until the one is found
    /// that makes it so.
    async fn retry_less(
        &self,
        attempt: Attempt<'_>,
        attempted: &Attempted,
        why: String,
        place: &mut Place,
    ) -> Result<Attempted, Stop> {
        let Attempt { sequence, letters, events, dry_run } = attempt;
        let Some(half) =
            attempted.resolved.checked_sub(1).filter(|rest| *rest > 0).map(|rest| rest.div_ceil(2))
        else {
            let failed = letters.first().map(|letter| (letter.position, why));
            let attempted = Attempted { resolved: 0, failed };
            self.views.commit(&place.projection, attempt.commit(place, &attempted)).await?;
            return Ok(attempted);
        };
        let part = |from: usize, to: usize| Attempt {
            sequence,
            letters: &letters[from..to],
            events: &events[from..events.len().min(to)],
            dry_run,
        };
        let first = self.retry(part(0, half), place).await?;
        if first.failed.is_some() {
            return Ok(first);
        }
        let second = self.retry(part(half, letters.len()), place).await?;
        Ok(Attempted { resolved: half + second.resolved, failed: second.failed })
    }
}

impl Work for Folding {
    fn feeds(&self) -> Vec<FeedSpec> {
        self.feeds.clone()
    }

    fn on_error(&self) -> OnError {
        self.on_error
    }

    fn fingerprint(&self) -> Option<u64> {
        Some(self.spec.fingerprint)
    }

    fn prepare<'a>(&'a self, build: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let spec = ProjectionSpec { id: build.clone(), ..self.spec.clone() };
            self.views.prepare(&spec).await
        })
    }

    fn writes_by_itself(&self) -> bool {
        false
    }

    fn partitions(&self) -> u16 {
        self.partitions
    }

    fn retry<'a>(
        &'a self,
        attempt: Attempt<'a>,
        place: &'a mut Place,
    ) -> BoxFuture<'a, Result<Attempted, Stop>> {
        Box::pin(async move {
            let steps = (self.take_in)(attempt.events.to_vec(), self.views.format());
            let steps = steps.within(place.projection.partition);
            let keys = match attempt.sequence {
                Sequence::Document(key) => vec![key.clone()],
                Sequence::Stream(_) => steps.keys(),
            };
            let stored = self.views.load(&place.projection, &keys).await?;
            let mut others = place.parked.clone();
            others.remove(attempt.sequence);
            let Refolded { changes, failed } =
                steps.refold(attempt.sequence, &stored, &others, Timestamp::now());
            let attempted = Attempted::of(attempt.letters, failed.or_else(|| attempt.missing()));
            if attempt.dry_run {
                return Ok(attempted);
            }
            let mut commit = attempt.commit(place, &attempted);
            commit.documents = changes.documents;
            commit.parked.extend(changes.parked);
            let Err(error) = self.views.commit(&place.projection, commit).await else { return Ok(attempted) };
            let Some((_, why)) = refusal(&error) else { return Err(error.into()) };
            self.retry_less(attempt, &attempted, why, place).await
        })
    }

    fn take_in(&self, events: Vec<RecordedEvent>) -> Box<dyn Batch> {
        let steps = (self.take_in)(events, self.views.format());
        Box::new(Routed { steps, views: Arc::clone(&self.views) })
    }
}
