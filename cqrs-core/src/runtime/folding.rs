use std::sync::Arc;

use super::{
    batch::{Foldable, Steps},
    place::{Goal, Place},
    sent::Fold,
    work::{Batch, Work},
};
use crate::{
    domain::{Feed, FeedSpec, Feeds, Projection},
    envelope::RecordedEvent,
    store::{BoxFuture, CommitError, DataFormat, Error, ProjectionId, ProjectionSpec, ViewStore},
};

/// Folds events into the documents of a projection, its type forgotten.
pub(super) struct Folding {
    spec: ProjectionSpec,
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
            views,
            feeds: feeds.iter().map(Feed::spec).collect(),
            take_in: Box::new(move |events, format| Box::new(Steps::of(&feeds, events, format))),
        }
    }
}

impl Work for Folding {
    fn feeds(&self) -> Vec<FeedSpec> {
        self.feeds.clone()
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.views.prepare(&self.spec)
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
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let Self { steps, keys, views, projection } = *self;
            if !place.tells_documents() {
                place.settle().await?;
            }
            let (mut stored, missing) = place.documents(&keys);
            if !missing.is_empty() {
                stored.extend(views.load(&projection, &missing).await?);
            }
            let mut fold = Fold::new(steps, projection, views, stored, place);
            let mut changes = fold.run();
            if place.settle().await? {
                fold = fold.again(&keys, place.parked.clone()).await?;
                changes = fold.run();
            }
            place.sent = Some(fold.send(changes, place, goal));
            // There is nothing to do meanwhile.
            if goal.is_head() {
                place.settle().await?;
            }
            Ok(())
        })
    }
}
