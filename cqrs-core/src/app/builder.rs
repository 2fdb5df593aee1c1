use std::sync::Arc;

use super::{App, Inner, RetryPolicy, hot::Hot, snapshots, turns::Turns};
use crate::{
    domain::Projection,
    runtime::{LagHook, Projections, ProjectionsBuilder, RuntimeOptions},
    store::{self, BatchProjection, EventStore, ProjectionId, ViewStore},
};

/// What [`App::builder`] takes: an event store, an `Arc` of one, or an `Arc<dyn EventStore>` that was chosen at run
/// time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event store",
    label = "not an event store",
    note = "give a store such as `MemoryEventStore` or `SqliteEventStore`, an `Arc` of one, or an `Arc<dyn EventStore>`"
)]
pub trait IntoEventStore {
    /// The store.
    fn into_event_store(self) -> Arc<dyn EventStore>;
}

impl<S: EventStore> IntoEventStore for S {
    fn into_event_store(self) -> Arc<dyn EventStore> {
        Arc::new(self)
    }
}

impl<S: EventStore> IntoEventStore for Arc<S> {
    fn into_event_store(self) -> Arc<dyn EventStore> {
        self
    }
}

impl IntoEventStore for Arc<dyn EventStore> {
    fn into_event_store(self) -> Self {
        self
    }
}

/// What [`AppBuilder::projection`] takes: a view store, an `Arc` of one, which several projections can share, or an
/// `Arc<dyn ViewStore>` that was chosen at run time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a view store",
    label = "not a view store",
    note = "give a store such as `MemoryViewStore` or `SqliteViewStore`, an `Arc` of one, or an `Arc<dyn ViewStore>`"
)]
pub trait IntoViewStore {
    /// The store.
    fn into_view_store(self) -> Arc<dyn ViewStore>;
}

impl<S: ViewStore> IntoViewStore for S {
    fn into_view_store(self) -> Arc<dyn ViewStore> {
        Arc::new(self)
    }
}

impl<S: ViewStore> IntoViewStore for Arc<S> {
    fn into_view_store(self) -> Arc<dyn ViewStore> {
        self
    }
}

impl IntoViewStore for Arc<dyn ViewStore> {
    fn into_view_store(self) -> Self {
        self
    }
}

/// Puts an [`App`] together.
#[derive(Debug)]
#[must_use = "nothing runs until `build()` is called"]
pub struct AppBuilder {
    store: Arc<dyn EventStore>,
    retry: RetryPolicy,
    hot_aggregates: usize,
    projections: ProjectionsBuilder,
}

impl AppBuilder {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self {
            store,
            retry: RetryPolicy::default(),
            hot_aggregates: 1_024,
            projections: ProjectionsBuilder::default(),
        }
    }

    /// Keeps a projection up to date in a view store, for as long as the application runs.
    pub fn projection<P: Projection>(mut self, views: impl IntoViewStore) -> Self {
        self.projections.add::<P>(views.into_view_store(), true);
        self
    }

    /// Answers queries of a projection that another process keeps up to date in this view store, and checks its lag
    /// from here: hooks, gauges and [health](App::health) tell when it is not kept up to date.
    pub fn query_only<P: Projection>(mut self, views: impl IntoViewStore) -> Self {
        self.projections.add::<P>(views.into_view_store(), false);
        self
    }

    /// Keeps a projection up to date that writes by itself, such as one with SQL of its own, for as long as the application
    /// runs. Ask for its freshness by [`App::fresh_of`].
    pub fn batch_projection<B: BatchProjection>(mut self, projection: B) -> Self {
        self.projections.add_batch(projection);
        self
    }

    /// What happens when a command meets a conflict.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many aggregates are kept in memory, each as its last command left it; a command on one of them needs no
    /// read. Default: 1,024; 0 keeps none. The append proves that what was kept is current, so commands of other
    /// processes do no harm. A command that says no on a kept state is decided again on the stored one: its handler
    /// runs twice, as it may on a conflict.
    pub fn hot_aggregates(mut self, aggregates: usize) -> Self {
        self.hot_aggregates = aggregates;
        self
    }

    /// Batch sizes and pauses of the projections.
    pub fn runtime(mut self, options: RuntimeOptions) -> Self {
        self.projections.options = options;
        self
    }

    /// Is told how far the projections are behind. Several hooks are called in the order in which they were added.
    pub fn lag_hook(mut self, hook: impl LagHook) -> Self {
        self.projections.hooks.push(Arc::new(hook));
        self
    }

    /// Checks how everything fits, makes room for the views, and starts the projections.
    ///
    /// A view store that is away does not fail it: its projections wait until it is back.
    ///
    /// # Errors
    ///
    /// [`BuildError`] where one projection is registered twice or two claim one name, and where a store refuses a
    /// projection, such as one whose indexes have changed without a new version.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn build(self) -> Result<App, BuildError> {
        let projections: Projections = self.projections.start(&self.store).await?;
        let Self { store, retry, hot_aggregates, .. } = self;
        let (snapshots, hot) = (snapshots::Saver::new(), Hot::new(hot_aggregates));
        Ok(App {
            inner: Arc::new(Inner {
                store,
                retry,
                projections,
                snapshots,
                hot,
                turns: Turns::default(),
                observers: Arc::default(),
            }),
        })
    }
}

/// Why an application could not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two projections have one name and version; their documents would overwrite each other's.
    #[error(
        "the projection {projection} is registered twice, as `{first}` and as `{second}`; give one of them another `name`"
    )]
    Duplicate {
        /// The name and version.
        projection: ProjectionId,
        /// The type that came first.
        first: &'static str,
        /// The type that came second.
        second: &'static str,
    },
    /// A projection declares two indexes of one name.
    #[error("the projection {projection} declares the index `{index}` twice")]
    DuplicateIndex {
        /// The projection.
        projection: ProjectionId,
        /// The index.
        index: &'static str,
    },
    /// Two event sets that feed a projection have one category.
    #[error("the projection {projection} is fed twice by the event `{event}` of the category `{category}`")]
    DuplicateFeed {
        /// The projection.
        projection: ProjectionId,
        /// The category.
        category: &'static str,
        /// The event.
        event: &'static str,
    },
    /// Documents can't be divided into so many partitions.
    #[error(
        "projections can't be divided into {partitions} partitions; give `RuntimeOptions::partitions` 1, 2, 4, 8, … or 1024"
    )]
    Partitions {
        /// How many.
        partitions: u16,
    },
    /// The view store refuses the projection.
    #[error("the view store can't keep the projection {projection}")]
    Store {
        /// The projection.
        projection: ProjectionId,
        /// Why.
        source: store::Error,
    },
}
