use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::{
    contract::Contract,
    lag::{Lag, LagHook},
    lease::Seen,
    owner::Owner,
    partitions::{Now, Partitions, Sum},
    projection_health::{LastError, ProjectionHealth, ProjectionState},
    rebuild::RebuildProgress,
};
use crate::{
    envelope::Position,
    metrics::{Observer, ProjectionMeter},
    store::{Build, Checkpoint, Partition, ProjectionId},
};

/// What a runner shows of itself, and how its lag is told to the hooks.
pub(super) struct Status {
    contract: Contract,
    pub(super) meter: Arc<ProjectionMeter>,
    head: watch::Receiver<Position>,
    started: Timestamp,
    progress: Mutex<Progress>,
    /// Held by whoever tells the hooks.
    observing: Mutex<()>,
}

struct Progress {
    state: ProjectionState,
    partitions: Partitions,
    head: Position,
    /// Gauges and hooks know a lag of what runs here.
    is_told: bool,
    last_error: Option<LastError>,
    outdated: bool,
    rebuild: Option<RebuildProgress>,
}

impl Progress {
    const fn stands_by(&self) -> bool {
        matches!(self.state, ProjectionState::Standby { .. })
    }
}

impl Status {
    pub(super) fn new(
        projection: ProjectionId,
        owner: Owner,
        max_lag: Option<Duration>,
        hooks: Vec<Arc<dyn LagHook>>,
        head: watch::Receiver<Position>,
    ) -> Self {
        let progress = Progress {
            state: ProjectionState::Starting,
            partitions: Partitions::new(owner, projection.clone()),
            head: Position::ZERO,
            is_told: false,
            last_error: None,
            outdated: false,
            rebuild: None,
        };
        let meter = Arc::new(ProjectionMeter::of(&projection));
        let contract = Contract::new(projection, max_lag, hooks, Observer::Owner);
        Self {
            contract,
            meter,
            head,
            started: Timestamp::now(),
            progress: Mutex::new(progress),
            observing: Mutex::default(),
        }
    }

    /// Sets the state; true where it differs from the one before.
    pub(super) fn set_state(&self, state: ProjectionState) -> bool {
        let mut progress = self.lock();
        let changed = progress.state != state;
        progress.state = state;
        changed
    }

    /// Something went wrong.
    pub(super) fn fail(&self, error: String) {
        self.lock().last_error = Some(LastError::now(error));
    }

    /// Leases are held here from now on; the one of the whole, too, where this application leads.
    pub(super) fn hold(&self, leads: bool) {
        self.lock().partitions.hold(leads);
    }

    /// No lease is held here any more.
    pub(super) fn release(&self) {
        self.lock().partitions.release();
    }

    /// How many events of a partition are parked.
    pub(super) fn parked(&self, id: &ProjectionId) -> u64 {
        self.lock().partitions.parked(id)
    }

    /// A partition that runs here, or a build that is not divided, is as far as this.
    pub(super) fn set_checkpoint(&self, id: &ProjectionId, checkpoint: &Checkpoint) {
        let mut progress = self.lock();
        progress.head = progress.head.max(checkpoint.head);
        progress.partitions.reach(id, checkpoint);
    }

    /// A partition does not run here any more.
    pub(super) fn leave(&self, partition: Partition) {
        let mut progress = self.lock();
        let now = self.now(&progress);
        progress.partitions.leave(partition, now);
    }

    /// Who runs what, as the read store tells.
    pub(super) fn see_owners(&self, seen: &Seen) {
        let mut progress = self.lock();
        let now = self.now(&progress);
        progress.partitions.see_owners(&seen.holders, now);
    }

    /// How far the build that is kept up to date is where others run it, as the read store tells.
    pub(super) fn see(&self, build: &ProjectionId, partitions: u16, builds: &[Build]) {
        let mut progress = self.lock();
        let of_build = builds.iter().filter(|known| known.id.whole() == *build);
        let heads = of_build.filter_map(|known| Some(known.checkpoint?.head));
        progress.head = heads.fold(progress.head, Position::max);
        let now = self.now(&progress);
        progress.partitions.see(build, partitions, builds, now);
    }

    /// The projection was seen to hold all that was recorded before `as_of`, without anything to write.
    pub(super) fn set_as_of(&self, as_of: Timestamp) {
        self.lock().partitions.set_as_of(as_of);
    }

    pub(super) fn health(&self) -> ProjectionHealth {
        let progress = self.lock();
        let now = self.now(&progress);
        let Sum { applied, lag, parked, age } =
            progress.partitions.all(now).unwrap_or_else(|| self.nothing(now));
        ProjectionHealth {
            projection: self.contract.projection().clone(),
            state: progress.state.clone(),
            owner: progress.partitions.owner(),
            applied,
            head: now.head,
            lag,
            max_lag: self.contract.max_lag(),
            parked,
            partitions: progress.partitions.each(now),
            age,
            last_error: progress.last_error.clone(),
            outdated: progress.outdated,
            rebuild: progress.rebuild.clone(),
        }
    }

    /// Whether the documents were built by another definition.
    pub(super) fn set_outdated(&self, outdated: bool) {
        let mut progress = self.lock();
        if outdated && !progress.outdated {
            tracing::warn!(
                projection = %self.contract.projection(),
                "the projection's documents were built by another definition or other handlers than those that are compiled \
                 in: raise its version, or rebuild it"
            );
        }
        progress.outdated = outdated;
    }

    pub(super) fn set_rebuild(&self, rebuild: RebuildProgress) {
        self.meter.rebuild(&rebuild);
        self.lock().rebuild = Some(rebuild);
    }

    pub(super) fn set_rebuild_halted(&self, reason: String) {
        if let Some(rebuild) = &mut self.lock().rebuild {
            rebuild.halted = Some(reason);
            self.meter.rebuild(rebuild);
        }
    }

    pub(super) fn end_rebuild(&self) {
        if self.lock().rebuild.take().is_some() {
            self.meter.rebuild_ended();
        }
    }

    /// Measures the lag of what runs here, and tells hooks and gauges; not before it is known what is applied. What others
    /// run they tell of themselves.
    pub(super) fn observe(&self) {
        // One after the other, so that hooks are told in order.
        let _turn = self.observing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((lag, parked)) = self.of_this_application() else { return };
        self.contract.observe(lag, parked);
    }

    /// The lag of what runs here, and how much of it is parked; `None` where there is nothing to tell.
    fn of_this_application(&self) -> Option<(Lag, u64)> {
        let mut progress = self.lock();
        if progress.state == ProjectionState::Starting {
            return None;
        }
        // Another build answers, which is older, and whoever runs that one tells of it.
        if progress.partitions.is_building() {
            return None;
        }
        let now = self.now(&progress);
        let runs_elsewhere = !progress.partitions.is_empty() || progress.stands_by();
        let here = progress.partitions.here(now).or_else(|| (!runs_elsewhere).then(|| self.nothing(now)));
        let was_told = std::mem::replace(&mut progress.is_told, here.is_some());
        // What was told is not left to stand where it is another one's by now.
        let here = here.or_else(|| was_told.then(Sum::default));
        here.map(|Sum { lag, parked, .. }| (lag, parked))
    }

    /// How a projection is of which nothing is known yet.
    fn nothing(&self, now: Now) -> Sum {
        let lag = Lag::measure(Position::ZERO, now.head, self.started, now.time);
        Sum { lag, ..Sum::default() }
    }

    fn now(&self, progress: &Progress) -> Now {
        let head = progress.head.max(*self.head.borrow());
        Now { head, time: Timestamp::now(), instant: Instant::now(), started: self.started }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(self.contract.projection()).finish()
    }
}
