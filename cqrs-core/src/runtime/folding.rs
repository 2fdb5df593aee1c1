use std::sync::Arc;

use jiff::Timestamp;

use super::{
    batch::{Foldable, Refolded, Steps},
    place::{Goal, Place},
    policy::Stop,
    retry::{Attempt, Attempted},
    sent::{Fold, refusal},
    work::{Batch, Work},
};
use crate::{
    domain::{Feed, FeedSpec, Feeds, OnError, Projection},
    envelope::RecordedEvent,
    store::{BoxFuture, DataFormat, Error, ProjectionId, ProjectionSpec, Sequence, ViewStore},
};

/// Folds events into the documents of a projection, its type forgotten.
pub(super) struct Folding {
    spec: ProjectionSpec,
    on_error: OnError,
    views: Arc<dyn ViewStore>,
    feeds: Vec<FeedSpec>,
    take_in: Box<TakeIn>,
}

type TakeIn = dyn Fn(Vec<RecordedEvent>, DataFormat) -> Box<dyn Foldable> + Send + Sync;

impl Folding {
    pub(super) fn of<P: Projection>(views: Arc<dyn ViewStore>) -> Self {
        let feeds = Feeds::<P>::of();
        Self {
            spec: ProjectionSpec::of::<P>(),
            on_error: P::ON_ERROR,
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
            self.views.commit(&self.spec.id, attempt.commit(place, &attempted)).await?;
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

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.views.prepare(&self.spec)
    }

    fn can_rewind(&self) -> bool {
        false
    }

    fn retry<'a>(
        &'a self,
        attempt: Attempt<'a>,
        place: &'a mut Place,
    ) -> BoxFuture<'a, Result<Attempted, Stop>> {
        Box::pin(async move {
            let steps = (self.take_in)(attempt.events.to_vec(), self.views.format());
            let keys = match attempt.sequence {
                Sequence::Document(key) => vec![key.clone()],
                Sequence::Stream(_) => steps.keys(),
            };
            let stored = self.views.load(&self.spec.id, &keys).await?;
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
            let Err(error) = self.views.commit(&self.spec.id, commit).await else { return Ok(attempted) };
            let Some((_, why)) = refusal(&error) else { return Err(error.into()) };
            self.retry_less(attempt, &attempted, why, place).await
        })
    }

    fn take_in(&self, events: Vec<RecordedEvent>) -> Box<dyn Batch> {
        let steps = (self.take_in)(events, self.views.format());
        Box::new(Routed {
            keys: steps.keys(),
            steps,
            views: Arc::clone(&self.views),
            projection: self.spec.id.clone(),
        })
    }
}

/// Events that are routed to their documents.
struct Routed {
    steps: Box<dyn Foldable>,
    keys: Vec<String>,
    views: Arc<dyn ViewStore>,
    projection: ProjectionId,
}

impl Batch for Routed {
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            let Self { steps, keys, views, projection } = *self;
            if !place.tells_documents() {
                place.settle().await?;
            }
            let (mut stored, missing) = place.documents(&keys);
            if !missing.is_empty() {
                stored.extend(views.load(&projection, &missing).await?);
            }
            let mut fold = Fold::new(steps, projection, views, stored, place.parked.clone());
            let mut changes = fold.run();
            if place.settle().await? {
                fold = fold.again(&keys, place.parked.clone()).await?;
                changes = fold.run();
            }
            place.sent = Some(fold.send(changes, place, goal)?);
            // There is nothing to do meanwhile.
            if goal.is_head() {
                place.settle().await?;
            }
            Ok(())
        })
    }
}
