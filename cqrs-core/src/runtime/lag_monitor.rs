use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use super::{
    RuntimeOptions, checkpoint_health::CheckpointHealth, contract::Contract, lag::LagHook, sight::Sight,
};
use crate::{domain::Projection, envelope::Position, metrics::Observer, query::Current, store::ProjectionId};

/// Checks the lag of projections from their read store, in a program that does not run them: whoever runs them may have
/// died. [`Views::lag_monitor`](crate::query::Views::lag_monitor) makes one.
///
/// It reads each projection's checkpoint, or those of its partitions, and who runs it, once in a heartbeat. It stops when it is dropped;
/// [`stop`](Self::stop) also waits for that.
#[must_use = "a monitor stops when it is dropped"]
pub struct LagMonitor {
    sights: Vec<Arc<Sight>>,
    /// Each watching task holds a receiver for as long as it runs.
    stop: watch::Sender<bool>,
}

impl LagMonitor {
    pub(super) fn new() -> Self {
        Self { sights: Vec::new(), stop: watch::Sender::new(false) }
    }

    /// Begins to watch one more projection.
    pub(super) fn watch(&mut self, sight: Sight) {
        let sight = Arc::new(sight);
        self.sights.push(Arc::clone(&sight));
        tokio::spawn(supervise(sight, self.stop.subscribe()));
    }

    /// How each projection is, as it was last seen, in the order in which they were named. Asks no store.
    pub fn health(&self) -> Vec<CheckpointHealth> {
        self.sights.iter().map(|sight| sight.health()).collect()
    }

    /// Stops, and waits for it. What it knows stays; hooks are not called any more.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }
}

impl Drop for LagMonitor {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for LagMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.health().iter().map(|health| &health.projection)).finish()
    }
}

/// Puts a [`LagMonitor`] together.
#[must_use = "nothing is watched until `start()` is called"]
pub struct LagMonitorBuilder {
    views: Arc<Current>,
    heartbeat: Duration,
    projections: Vec<(ProjectionId, Option<Duration>)>,
    hooks: Vec<Arc<dyn LagHook>>,
}

impl LagMonitorBuilder {
    pub(crate) fn new(views: Arc<Current>) -> Self {
        let heartbeat = RuntimeOptions::default().heartbeat;
        Self { views, heartbeat, projections: Vec::new(), hooks: Vec::new() }
    }

    /// Watches `P`, and checks the `max_lag` that it declares.
    pub fn projection<P: Projection>(self) -> Self {
        self.projection_of(ProjectionId::of::<P>(), P::MAX_LAG)
    }

    /// Watches a projection by its name and version, such as one that writes by itself. What is named twice is watched
    /// once, with the first promise.
    pub fn projection_of(mut self, projection: ProjectionId, max_lag: Option<Duration>) -> Self {
        if !self.projections.iter().any(|(known, _)| *known == projection) {
            self.projections.push((projection, max_lag));
        }
        self
    }

    /// Is told how far the projections are behind. Several hooks are called in the order in which they were added.
    pub fn lag_hook(mut self, hook: impl LagHook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// The [heartbeat](RuntimeOptions::heartbeat) of the process that runs the projections, which is also how often
    /// their checkpoints are looked at; of one that promises a lag at least four times in that. A monitor that takes it for
    /// shorter than it is shows an idle projection as behind by up to one heartbeat; one that takes it for longer sees
    /// trouble later. Default: 250 ms, as there.
    pub const fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// Begins to watch.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self) -> LagMonitor {
        let Self { views, heartbeat, projections, hooks } = self;
        let options = RuntimeOptions::default().heartbeat(heartbeat);
        let mut monitor = LagMonitor::new();
        for (projection, max_lag) in projections {
            monitor.watch(sight(projection, max_lag, hooks.clone(), Arc::clone(&views), None, &options));
        }
        monitor
    }
}

/// Watches until the monitor stops. A store that panics does not silence whoever has to tell of it.
async fn supervise(sight: Arc<Sight>, mut stopped: watch::Receiver<bool>) {
    let mut watching = JoinSet::new();
    loop {
        let watched = Arc::clone(&sight);
        watching.spawn(async move { watched.watch().await });
        let ended = tokio::select! {
            ended = watching.join_next() => ended,
            // An error means that the monitor is gone, which is as good as a stop.
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        if let Some(Err(error)) = ended {
            sight.lost(&error);
        }
        tokio::time::sleep(sight.heartbeat()).await;
    }
    watching.shutdown().await;
}

pub(super) fn sight(
    projection: ProjectionId,
    max_lag: Option<Duration>,
    hooks: Vec<Arc<dyn LagHook>>,
    views: Arc<Current>,
    head: Option<watch::Receiver<Position>>,
    options: &RuntimeOptions,
) -> Sight {
    let contract = Contract::new(projection, max_lag, hooks, Observer::Reader);
    Sight::new(contract, views, head, options.heartbeat_for(max_lag))
}

impl fmt::Debug for LagMonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LagMonitorBuilder")
            .field("projections", &self.projections)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}
