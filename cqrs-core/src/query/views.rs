use std::sync::Arc;

use super::{Current, FreshnessCheck, FromViews, LiveView, Observers, Source, ViewQuery, ViewsQuery};
use crate::{
    app::IntoViewStore,
    domain::Projection,
    runtime::LagMonitorBuilder,
    store::{Checkpoint, Error, ProjectionId, ViewStore as _},
};

/// The views of a read store, for a program that only answers queries: it needs no write store and no aggregate.
///
/// Waiting works all the same, as the checkpoint that is waited for is in the read store.
#[derive(Clone, Debug)]
pub struct Views {
    store: Arc<Current>,
    observers: Arc<Observers>,
}

impl Views {
    /// Answers queries from this store.
    pub fn new(store: impl IntoViewStore) -> Self {
        Self::from_store(Current::of(store.into_view_store()), Arc::default())
    }

    pub(crate) fn from_store(store: Arc<Current>, observers: Arc<Observers>) -> Self {
        Self { store, observers }
    }

    /// Queries one view.
    pub fn view<P: Projection>(&self, key: &P::Key) -> ViewQuery<P, FromViews> {
        ViewQuery::new(self.source(), key.clone())
    }

    /// Queries the views of a projection, by its indexes and page by page.
    pub fn views<P: Projection>(&self) -> ViewsQuery<P> {
        ViewsQuery::new(self.source())
    }

    /// Watches one view: it yields the view now, and each time that it has changed, whichever process changed it.
    pub fn watch<P: Projection>(&self, key: &P::Key) -> LiveView<P> {
        LiveView::new(self.source(), Some(Arc::clone(&self.store)), Arc::clone(&self.observers), key)
    }

    /// Checks how fresh a projection is, ahead of a query in the read store's own language.
    pub fn fresh<P: Projection>(&self) -> FreshnessCheck {
        self.fresh_of(&ProjectionId::of::<P>())
    }

    /// As [`fresh`](Self::fresh), of a projection by its name and version, such as one that writes by itself.
    pub fn fresh_of(&self, projection: &ProjectionId) -> FreshnessCheck {
        FreshnessCheck::new(self.source(), projection.clone())
    }

    /// Checks the lag of projections that other processes run, also when those have died: gauges, hooks and health.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use cqrs_core::{prelude::*, runtime::{Lag, LagHook, LagMonitor}, store::ProjectionId};
    /// struct Pager;
    ///
    /// impl LagHook for Pager {
    ///     fn breached(&self, projection: &ProjectionId, lag: Lag, max_lag: Duration) {
    ///         eprintln!("{projection} is {:?} behind, more than {max_lag:?}", lag.time);
    ///     }
    /// }
    ///
    /// fn watch<OrderSummary: Projection>(views: &Views) -> LagMonitor {
    ///     views.lag_monitor().projection::<OrderSummary>().lag_hook(Pager).start()
    /// }
    /// ```
    pub fn lag_monitor(&self) -> LagMonitorBuilder {
        LagMonitorBuilder::new(Arc::clone(&self.store))
    }

    /// The build that answers queries of a projection: another one after a rebuild, and one of an older version while this one
    /// is built for the first time. For queries in the read store's own language, whose tables or collections are named after
    /// it.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn build<P: Projection>(&self) -> Result<ProjectionId, Error> {
        crate::query::current_build(&*self.store, &ProjectionId::of::<P>()).await
    }

    /// How far a projection has come; `None` before its first batch.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn checkpoint<P: Projection>(&self) -> Result<Option<Checkpoint>, Error> {
        self.store.checkpoint(&ProjectionId::of::<P>()).await
    }

    fn source(&self) -> Source {
        Source { views: Some(self.store.clone()), log: None }
    }
}
