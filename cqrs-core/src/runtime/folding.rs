use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    batch::{Foldable, Steps},
    place::{Goal, Place},
    recent::Recent,
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
        Box::new(Folded {
            keys: steps.keys(),
            steps,
            views: Arc::clone(&self.views),
            projection: self.spec.id.clone(),
        })
    }
}

/// Events that are routed to their documents.
struct Folded {
    steps: Box<dyn Foldable>,
    keys: Vec<String>,
    views: Arc<dyn ViewStore>,
    projection: ProjectionId,
}

impl Batch for Folded {
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let Self { steps, keys, views, projection } = *self;
            let mut refused = HashMap::new();
            let (mut stored, missing) = place.recent.find(keys);
            if !missing.is_empty() {
                stored.extend(views.load(&projection, &missing).await?);
            }
            loop {
                let changes = steps.fold(&stored, &place.parked, &refused, Timestamp::now());
                let parked = changes.parked.clone();
                // Far behind, what is kept would be of no use before it is pushed out.
                let recent = goal.is_head().then(|| Recent::of(&changes.documents)).flatten();
                let commit = place.commit(goal, changes.documents, changes.parked);
                match views.commit(&projection, commit).await {
                    Ok(()) => {
                        match recent {
                            Some(documents) => place.recent.keep(documents),
                            None => place.recent.forget(),
                        }
                        place.arrive(goal, parked);
                        return Ok(());
                    }
                    Err(CommitError::TooLarge { key, size, limit, .. }) if !refused.contains_key(&key) => {
                        let error = format!(
                            "the document {key:?} has {size} bytes, but the read store takes {limit}"
                        );
                        refused.insert(key, error);
                    }
                    Err(CommitError::Unfit { key, reason, .. }) if !refused.contains_key(&key) => {
                        let error = format!("the read store can't hold the document {key:?}: {reason}");
                        refused.insert(key, error);
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }
}
