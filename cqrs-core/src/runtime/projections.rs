use std::{
    any::{TypeId, type_name},
    collections::{HashMap, HashSet},
    fmt,
    ptr::addr_eq,
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    CheckpointHealth, LagHook, LagMonitor, ProjectionHealth, ProjectionState, RuntimeOptions,
    builds::Plan,
    folding::Folding,
    lag_monitor,
    own_writing::OwnWriting,
    owner::Owner,
    runner::{Runner, RunnerParts},
    shared_log::SharedLog,
    status::Status,
    work::Work,
};
use crate::{
    app::BuildError,
    domain::{FeedSpec, IndexSpec, Projection},
    envelope::Position,
    query::Current,
    store::{BatchProjection, EventStore, Partition, ProjectionId, ViewStore},
};

/// All projections of an application.
pub struct Projections {
    by_type: HashMap<TypeId, Arc<Current>>,
    by_id: HashMap<ProjectionId, Arc<dyn ViewStore>>,
    /// Each view store once, with what is registered with it.
    stores: Vec<(Arc<dyn ViewStore>, Vec<ProjectionId>)>,
    statuses: Vec<Arc<Status>>,
    /// Of those that other processes run.
    monitor: LagMonitor,
    head: Option<watch::Receiver<Position>>,
    /// Each runner holds a receiver for as long as it runs.
    stop: watch::Sender<bool>,
}

impl Projections {
    /// The view store of `P`, where `P` is registered.
    pub fn store_of<P: Projection>(&self) -> Option<Arc<dyn ViewStore>> {
        self.current_of::<P>().map(|current| current as _)
    }

    /// The same as it answers queries.
    pub(crate) fn current_of<P: Projection>(&self) -> Option<Arc<Current>> {
        self.by_type.get(&TypeId::of::<P>()).cloned()
    }

    /// The view store of the projection of this name and version, where it is registered.
    pub fn store_by_id(&self, projection: &ProjectionId) -> Option<Arc<dyn ViewStore>> {
        self.by_id.get(projection).cloned()
    }

    /// Each view store once, with the projections, at least one, that are registered with it.
    pub(crate) fn stores(&self) -> impl Iterator<Item = (&Arc<dyn ViewStore>, &[ProjectionId])> {
        self.stores.iter().map(|(store, projections)| (store, projections.as_slice()))
    }

    /// The head of the log; `None` where no projections are registered, so that nobody has to look for it.
    pub(crate) fn head(&self) -> Option<watch::Receiver<Position>> {
        self.head.clone()
    }

    /// How each projection is that runs here.
    pub fn health(&self) -> Vec<ProjectionHealth> {
        self.statuses.iter().map(|status| status.health()).collect()
    }

    /// How each projection is that another process runs, as its read store shows it.
    pub fn query_only(&self) -> Vec<CheckpointHealth> {
        self.monitor.health()
    }

    /// Stops after the current batches.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
        self.monitor.stop().await;
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

/// One registered projection, its type forgotten.
struct Registration {
    /// What queries know it by; `None` for one that writes by itself.
    type_id: Option<TypeId>,
    type_name: &'static str,
    projection: ProjectionId,
    indexes: &'static [IndexSpec],
    max_lag: Option<Duration>,
    views: Arc<dyn ViewStore>,
    work: Arc<dyn Work>,
    /// It is kept up to date here.
    runs: bool,
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
        self.registrations.push(Registration {
            type_id: Some(TypeId::of::<P>()),
            type_name: type_name::<P>(),
            projection: ProjectionId::of::<P>(),
            indexes: P::INDEXES,
            max_lag: P::MAX_LAG,
            work: Arc::new(Folding::of::<P>(Arc::clone(&views))),
            views,
            runs,
        });
    }

    pub(crate) fn add_batch<B: BatchProjection>(&mut self, projection: B) {
        self.registrations.push(Registration {
            type_id: None,
            type_name: type_name::<B>(),
            projection: projection.id(),
            indexes: &[],
            max_lag: projection.max_lag(),
            views: projection.views(),
            work: Arc::new(OwnWriting(Arc::new(projection))),
            runs: true,
        });
    }

    pub(crate) async fn start(self, log: &Arc<dyn EventStore>) -> Result<Projections, BuildError> {
        self.check()?;
        for registration in self.registrations.iter().filter(|registration| registration.runs) {
            prepare(registration).await?;
        }
        let (stop, stopping) = watch::channel(false);
        let owner = Owner::start();
        let shared_log = SharedLog::of(Arc::clone(log));
        let head = (!self.registrations.is_empty()).then(|| log.watch());
        let monitor = LagMonitor::new();
        let (by_type, by_id, stores, statuses) = (HashMap::new(), HashMap::new(), Vec::new(), Vec::new());
        let mut projections = Projections { by_type, by_id, stores, statuses, monitor, head, stop };
        let mut runners = Vec::new();
        for registration in self.registrations {
            let Registration { type_id, projection, max_lag, views, work, runs, .. } = registration;
            let current = Current::of(Arc::clone(&views));
            let is_known =
                |(known, _): &&mut (Arc<dyn ViewStore>, _)| addr_eq(Arc::as_ptr(known), Arc::as_ptr(&views));
            match projections.stores.iter_mut().find(is_known) {
                Some((_, registered)) => registered.push(projection.clone()),
                None => projections.stores.push((Arc::clone(&views), vec![projection.clone()])),
            }
            projections.by_type.extend(type_id.map(|type_id| (type_id, Arc::clone(&current))));
            projections.by_id.insert(projection.clone(), current.clone());
            if !runs {
                let (hooks, head) = (self.hooks.clone(), Some(log.watch()));
                let sight = lag_monitor::sight(projection, max_lag, hooks, current, head, &self.options);
                projections.monitor.watch(sight);
                continue;
            }
            let status = Arc::new(Status::new(
                projection.clone(),
                owner.clone(),
                max_lag,
                self.hooks.clone(),
                log.watch(),
            ));
            projections.statuses.push(Arc::clone(&status));
            let runner = Runner::new(RunnerParts {
                projection,
                max_lag,
                log: Arc::clone(log),
                shared_log: Arc::clone(&shared_log),
                work,
                views,
                options: self.options,
                owner: owner.clone(),
                status: Arc::clone(&status),
                stop: stopping.clone(),
            });
            runners.push((runner, status));
        }
        // The first one to read is to know of all that are about to.
        for (runner, status) in runners {
            tokio::spawn(supervise(runner, status));
        }
        Ok(projections)
    }

    /// What would go wrong later, at the first event or the first query.
    fn check(&self) -> Result<(), BuildError> {
        if let Some(partitions) = self.options.partitions.filter(|count| !Partition::is_count(*count)) {
            return Err(BuildError::Partitions { partitions });
        }
        let mut by_id: HashMap<&ProjectionId, &'static str> = HashMap::new();
        for Registration { type_name, projection, indexes: specs, work, .. } in &self.registrations {
            let id = projection;
            let projection = || id.clone();
            if let Some(first) = by_id.insert(id, type_name) {
                return Err(BuildError::Duplicate { projection: projection(), first, second: type_name });
            }
            let mut indexes = HashSet::new();
            if let Some(index) = specs.iter().find(|index| !indexes.insert(index.name)) {
                return Err(BuildError::DuplicateIndex { projection: projection(), index: index.name });
            }
            let mut events = HashSet::new();
            for FeedSpec { category, types, .. } in work.feeds() {
                let names = types.iter().map(|event| event.name);
                if let Some(event) = names.into_iter().find(|name| !events.insert((category, *name))) {
                    return Err(BuildError::DuplicateFeed { projection: projection(), category, event });
                }
            }
        }
        Ok(())
    }
}

/// Sees to it that a runner that panics does not look well.
async fn supervise(runner: Runner, status: Arc<Status>) {
    if let Err(error) = tokio::spawn(runner.run()).await {
        let reason = super::with_causes(&error);
        tracing::error!(?status, reason, "a projection's task ended badly");
        status.fail(reason.clone());
        status.release();
        status.set_state(ProjectionState::Halted { reason });
    }
}

/// Makes room for a projection, unless its store is away: then its runner does it later.
async fn prepare(registration: &Registration) -> Result<(), BuildError> {
    let prepare = async {
        let Plan { main, .. } = Plan::read(&*registration.views, &registration.projection).await?;
        registration.work.prepare(&main).await
    };
    match prepare.await {
        Ok(()) => Ok(()),
        Err(error) if error.is_retryable() => {
            let projection = &registration.projection;
            tracing::warn!(%projection, error = &error as &dyn std::error::Error, "a view store is away; its projection waits");
            Ok(())
        }
        Err(source) => Err(BuildError::Store { projection: registration.projection.clone(), source }),
    }
}

impl fmt::Debug for ProjectionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.registrations.iter().map(|registration| &registration.projection))
            .finish()
    }
}
