use std::{
    any::{TypeId, type_name},
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use tokio::sync::watch;

use super::{
    LagHook, ProjectionHealth, ProjectionState, RuntimeOptions,
    runner::{Runner, RunnerParts},
    status::Status,
};
use crate::{
    app::BuildError,
    domain::{Feeds, Projection},
    envelope::Position,
    store::{BoxFuture, EventStore, ProjectionId, ProjectionSpec, ViewStore},
};

/// All projections of an application.
pub struct Projections {
    stores: HashMap<TypeId, Arc<dyn ViewStore>>,
    statuses: Vec<Arc<Status>>,
    head: Option<watch::Receiver<Position>>,
    /// Each runner holds a receiver for as long as it runs.
    stop: watch::Sender<bool>,
}

impl Projections {
    /// The view store of `P`, where `P` is registered.
    pub fn store_of<P: Projection>(&self) -> Option<Arc<dyn ViewStore>> {
        self.stores.get(&TypeId::of::<P>()).cloned()
    }

    /// The head of the log; `None` where no projections are registered, so that nobody has to look for it.
    pub(crate) fn head(&self) -> Option<watch::Receiver<Position>> {
        self.head.clone()
    }

    /// How each projection is that runs here.
    pub fn health(&self) -> Vec<ProjectionHealth> {
        self.statuses.iter().map(|status| status.health()).collect()
    }

    /// Stops after the current batches.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }
}

impl Drop for Projections {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.statuses).finish()
    }
}

/// A projection's runner, as a future that ends when it is stopped.
type Running = BoxFuture<'static, ()>;

/// One registered projection, its type forgotten.
struct Registration {
    type_id: TypeId,
    type_name: &'static str,
    spec: ProjectionSpec,
    feeds: Vec<(&'static str, Vec<&'static str>)>,
    max_lag: Option<std::time::Duration>,
    views: Arc<dyn ViewStore>,
    runner: Option<fn(RunnerParts) -> Running>,
}

/// Gathers projections before the application starts.
#[derive(Default)]
pub(crate) struct ProjectionsBuilder {
    pub(crate) options: RuntimeOptions,
    pub(crate) hooks: Vec<Arc<dyn LagHook>>,
    registrations: Vec<Registration>,
}

impl ProjectionsBuilder {
    pub(crate) fn add<P: Projection>(&mut self, views: Arc<dyn ViewStore>, runs: bool) {
        let feeds = Feeds::<P>::of();
        self.registrations.push(Registration {
            type_id: TypeId::of::<P>(),
            type_name: type_name::<P>(),
            spec: ProjectionSpec::of::<P>(),
            feeds: feeds
                .iter()
                .map(|feed| (feed.category, feed.types.iter().map(|event| event.name).collect()))
                .collect(),
            max_lag: P::MAX_LAG,
            views,
            runner: runs.then_some(|parts| Box::pin(Runner::<P>::new(parts).run())),
        });
    }

    pub(crate) async fn start(self, log: &Arc<dyn EventStore>) -> Result<Projections, BuildError> {
        self.check()?;
        for registration in self.registrations.iter().filter(|registration| registration.runner.is_some()) {
            prepare(registration).await?;
        }
        let (stop, stopping) = watch::channel(false);
        let head = (!self.registrations.is_empty()).then(|| log.watch());
        let mut projections = Projections { stores: HashMap::new(), statuses: Vec::new(), head, stop };
        for registration in self.registrations {
            let Registration { type_id, spec, max_lag, views, runner, .. } = registration;
            projections.stores.insert(type_id, Arc::clone(&views));
            let Some(run) = runner else { continue };
            let status = Arc::new(Status::new(spec.id.clone(), max_lag, self.hooks.clone(), log.watch()));
            projections.statuses.push(Arc::clone(&status));
            let parts = RunnerParts {
                spec,
                log: Arc::clone(log),
                views,
                options: self.options,
                status: Arc::clone(&status),
                stop: stopping.clone(),
            };
            tokio::spawn(supervise(run(parts), status));
        }
        Ok(projections)
    }

    /// What would go wrong later, at the first event or the first query.
    fn check(&self) -> Result<(), BuildError> {
        let mut by_id: HashMap<&ProjectionId, &'static str> = HashMap::new();
        for Registration { type_name, spec, feeds, .. } in &self.registrations {
            let projection = || spec.id.clone();
            if let Some(first) = by_id.insert(&spec.id, type_name) {
                return Err(BuildError::Duplicate { projection: projection(), first, second: type_name });
            }
            let mut indexes = HashSet::new();
            if let Some(index) = spec.indexes.iter().find(|index| !indexes.insert(index.name)) {
                return Err(BuildError::DuplicateIndex { projection: projection(), index: index.name });
            }
            let mut events = HashSet::new();
            for (category, names) in feeds {
                if let Some(event) = names.iter().find(|name| !events.insert((*category, **name))) {
                    return Err(BuildError::DuplicateFeed { projection: projection(), category, event });
                }
            }
        }
        Ok(())
    }
}

/// Sees to it that a runner that panics does not look well.
async fn supervise(running: Running, status: Arc<Status>) {
    if let Err(error) = tokio::spawn(running).await {
        let reason = super::with_causes(&error);
        tracing::error!(?status, reason, "a projection's task ended badly");
        status.set_state(ProjectionState::Halted { reason });
    }
}

/// Makes room for a projection, unless its store is away: then its runner does it later.
async fn prepare(registration: &Registration) -> Result<(), BuildError> {
    match registration.views.prepare(&registration.spec).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_retryable() => {
            let projection = &registration.spec.id;
            tracing::warn!(%projection, error = &error as &dyn std::error::Error, "a view store is away; its projection waits");
            Ok(())
        }
        Err(source) => Err(BuildError::Store { projection: registration.spec.id.clone(), source }),
    }
}

impl fmt::Debug for ProjectionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.registrations.iter().map(|registration| &registration.spec.id)).finish()
    }
}
