//! [`App`]: the one object that a program holds. It executes commands, runs projections and answers queries.

mod builder;
mod decide;
mod error;
mod execute;
mod execution;
mod health;
mod hot;
mod receipt;
mod snapshots;
mod turns;

use std::{fmt, sync::Arc};

pub use builder::{AppBuilder, BuildError, IntoEventStore, IntoViewStore};
pub use error::ExecuteError;
pub use execute::{Execute, RetryPolicy, WithServices};
pub use health::{Health, ReadStoreHealth, StoreHealth};
pub use receipt::Receipt;

use crate::{
    domain::{Command, NoServices, Projection, ServedBy},
    envelope::{LogId, Version},
    operations::{self, Operator, Verification, Verify, VerifyError},
    query::{FreshnessCheck, FromApp, LiveView, Log, Observers, Source, ViewQuery, Views, ViewsQuery},
    runtime::{ProjectionHealth, Projections},
    store::{EventStore, ProjectionId, ViewStore},
};

/// A running application: one write store, and the projections that are built from it.
///
/// Cheap to clone; all clones are the same application. When the last one is dropped, its projections stop after
/// the batch that they are writing; [`shutdown`](Self::shutdown) also waits for that.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn EventStore>,
    retry: RetryPolicy,
    projections: Projections,
    snapshots: snapshots::Saver,
    hot: hot::Hot,
    turns: turns::Turns,
    observers: Arc<Observers>,
}

impl App {
    /// Starts to put an application together around a write store.
    pub fn builder(store: impl IntoEventStore) -> AppBuilder {
        AppBuilder::new(store.into_event_store())
    }

    /// Executes a command: loads its aggregate, lets it decide, appends the events. On a conflict with another
    /// command it loads and decides again, a bounded number of times.
    ///
    /// Await it as it is, or add options first: `app.execute(command).id(id).await`.
    pub fn execute<C: Command>(&self, command: C) -> Execute<'_, C>
    where
        C::Aggregate: ServedBy<NoServices>,
    {
        self.with(&NoServices).execute(command)
    }

    /// Executes a command only if the aggregate is at this version; it does not retry.
    pub fn execute_at<C: Command>(&self, version: Version, command: C) -> Execute<'_, C>
    where
        C::Aggregate: ServedBy<NoServices>,
    {
        self.execute(command).at(version)
    }

    /// Hands services to the command handlers of aggregates that declare `services = S`:
    /// `app.with(&services).execute(command)`.
    pub fn with<'a, S>(&'a self, services: &'a S) -> WithServices<'a, S> {
        WithServices { app: self, services }
    }

    /// Queries one view.
    pub fn view<P: Projection>(&self, key: &P::Key) -> ViewQuery<P, FromApp> {
        ViewQuery::new(self.source::<P>(), key.clone())
    }

    /// Queries the views of a projection, by its indexes and page by page.
    pub fn views<P: Projection>(&self) -> ViewsQuery<P> {
        ViewsQuery::new(self.source::<P>())
    }

    /// Watches one view: it yields the view now, and each time that it has changed, whichever process changed it. It goes
    /// on after [`shutdown`](Self::shutdown): drop it to end it.
    pub fn watch<P: Projection>(&self, key: &P::Key) -> LiveView<P> {
        let views = self.inner.projections.current_of::<P>();
        LiveView::new(self.source::<P>(), views, Arc::clone(&self.inner.observers), key)
    }

    /// Checks how fresh a projection is, ahead of a query in the read store's own language.
    pub fn fresh<P: Projection>(&self) -> FreshnessCheck {
        FreshnessCheck::new(self.source::<P>(), ProjectionId::of::<P>())
    }

    /// As [`fresh`](Self::fresh), of a projection by its name and version, such as one that writes by itself.
    pub fn fresh_of(&self, projection: &ProjectionId) -> FreshnessCheck {
        let views = self.inner.projections.store_by_id(projection);
        FreshnessCheck::new(self.source_in(views), projection.clone())
    }

    fn source<P: Projection>(&self) -> Source {
        self.source_in(self.inner.projections.store_of::<P>())
    }

    fn source_in(&self, views: Option<Arc<dyn ViewStore>>) -> Source {
        let Inner { store, projections, .. } = &*self.inner;
        let log = projections.head().map(|head| Log { store: Arc::clone(store), head });
        Source { views, log }
    }

    /// The views of one projection's store, as a program without commands would see them.
    pub fn views_of<P: Projection>(&self) -> Option<Views> {
        let store = self.inner.projections.current_of::<P>()?;
        Some(Views::from_store(store, Arc::clone(&self.inner.observers)))
    }

    /// Operates the projections of one projection's read store: pauses and resumes them, and deals with what is parked. `by`
    /// is the name on record. `None` where `P` is not registered.
    pub fn operator<P: Projection>(&self, by: impl Into<String>) -> Option<Operator> {
        self.inner.projections.store_of::<P>().map(|views| Operator::new(views, by))
    }

    /// Compares the documents of a projection with a fold of the log from scratch, by the handlers that are compiled in, while
    /// the projection goes on, here or in another process. Nothing is written.
    ///
    /// Documents are compared as the store gives them back, with the event that created them and the last one that they have;
    /// the order of fields makes no difference. One that has gone on meanwhile is compared where it is by then. A document that
    /// holds what changes from one serialisation to the next, such as the order of a `HashSet`, is not the same twice.
    ///
    /// ```no_run
    /// # use cqrs_core::{app::App, domain::Projection, operations::{Verify, VerifyError}};
    /// # async fn example<OrderSummary: Projection>(app: App) -> Result<(), VerifyError> {
    /// let report = app.verify::<OrderSummary>(Verify::all()).await?;
    /// for difference in &report.differences {
    ///     println!("{}: {:?}", difference.key, difference.mismatch);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError`] where the projection is not registered or not built yet, where its log is another one or was put back,
    /// and where a store is away.
    pub async fn verify<P: Projection>(&self, verify: Verify) -> Result<Verification, VerifyError> {
        let Inner { store, projections, .. } = &*self.inner;
        let Some(views) = projections.store_of::<P>() else {
            return Err(VerifyError::Unregistered { projection: ProjectionId::of::<P>() });
        };
        operations::verify::<P>(&**store, &*views, verify).await
    }

    /// The identity of the log.
    pub fn log_id(&self) -> LogId {
        self.inner.store.log_id()
    }

    /// The write store, for reading the log.
    pub fn event_store(&self) -> &Arc<dyn EventStore> {
        &self.inner.store
    }

    /// How the stores and the projections are.
    pub async fn health(&self) -> Health {
        Health::of(Arc::clone(&self.inner.store), &self.inner.projections).await
    }

    /// How the projections are that run here, without asking a store.
    pub fn projections(&self) -> Vec<ProjectionHealth> {
        self.inner.projections.health()
    }

    /// Stops the projections after the batch that they are writing, and waits for it. They don't start again: for that, build
    /// another application.
    ///
    /// Commands and queries go on to work: [`execute`](Self::execute) still appends, and its events are folded by the next
    /// application, or by another process. So stop taking requests first. Queries answer with what is there; one that asks to
    /// be fresher than that waits until its time is up, unless another process runs the projection.
    pub async fn shutdown(&self) {
        self.inner.projections.stop().await;
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("store", &self.inner.store).finish_non_exhaustive()
    }
}
