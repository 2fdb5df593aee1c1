use std::{fmt, future::IntoFuture, marker::PhantomData, time::Duration};

use super::{
    Answer, Freshness, Provenance, QueryError, Source, View,
    freshness::{Demand, Fallback, demand_methods},
    live,
};
use crate::{
    domain::{Fold, Projection, SingleStream},
    store::{BoxFuture, ProjectionId, StoredDocument},
};

/// A query by a program that has the log.
#[derive(Clone, Copy, Debug)]
pub struct FromApp;

/// A query by a program that has the read store alone.
#[derive(Clone, Copy, Debug)]
pub struct FromViews;

/// A query for one view; await it.
#[must_use = "a query does nothing until it is awaited"]
pub struct ViewQuery<P: Projection, From> {
    source: Source,
    key: P::Key,
    demand: Demand,
    live: Option<LiveFold<P>>,
    marker: PhantomData<fn() -> From>,
}

type LiveFold<P> = fn(Source, <P as crate::domain::Model>::Key, Option<StoredDocument>) -> live::Folding<P>;

impl<P: Projection, From> ViewQuery<P, From> {
    pub(crate) fn new(source: Source, key: P::Key) -> Self {
        Self { source, key, demand: Demand::default(), live: None, marker: PhantomData }
    }

    demand_methods!();
}

impl<P: Projection + SingleStream<Event: Fold<P>>> ViewQuery<P, FromApp> {
    /// When time is up, fold what is missing from the view's stream, here and now, without storing it. For views of
    /// one stream only.
    pub fn or_live(mut self) -> Self {
        self.demand.fallback = Fallback::Live;
        self.live = Some(live::fold::<P>);
        self
    }
}

impl<P: Projection, From> ViewQuery<P, From> {
    async fn run(self) -> Result<Answer<Option<View<P>>>, QueryError> {
        let Self { source, key, demand, live, .. } = self;
        let projection = ProjectionId::of::<P>();
        let text = key.to_string();
        let started = tokio::time::Instant::now();
        let judged = demand
            .meet(&source, &projection, Some(&text), |views| {
                let (projection, text) = (projection.clone(), text.clone());
                Box::pin(async move { views.get(&projection, &text).await })
            })
            .await?;
        if let (false, Fallback::Live, Some(fold)) = (judged.fresh, demand.fallback, live) {
            let answer = fold(source, key, judged.value).await?;
            // A token beyond the log's head: the log was put back to an earlier state.
            return match demand.freshness {
                Freshness::AtLeast(token) if token.position() > answer.provenance.applied => {
                    Err(demand.not_yet(projection, &answer.provenance, started.elapsed()))
                }
                _ => Ok(answer),
            };
        }
        let provenance = demand.accept(&source, projection.clone(), &judged, started)?;
        let read = judged.value.as_ref().map(View::read).transpose();
        let view = read.map_err(|error| error.while_building(&projection, provenance.building))?.flatten();
        Ok(Answer::new(view, provenance))
    }
}

impl Demand {
    pub(super) fn not_yet(&self, projection: ProjectionId, at: &Provenance, waited: Duration) -> QueryError {
        let wanted = match self.freshness {
            Freshness::AtLeast(token) => token.position(),
            _ => at.head,
        };
        let head = at.head.max(wanted);
        let lag = crate::runtime::Lag { events: head.since(at.applied), time: at.lag.time };
        QueryError::NotYetConsistent { projection, applied: at.applied, head, lag, waited }
    }
}

impl<P: Projection, From: 'static> IntoFuture for ViewQuery<P, From> {
    type Output = Result<Answer<Option<View<P>>>, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<P: Projection, From> fmt::Debug for ViewQuery<P, From> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewQuery")
            .field("projection", &P::NAME)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
