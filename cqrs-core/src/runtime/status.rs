use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    contract::Contract,
    lag::{Lag, LagHook},
    owner::Owner,
    rebuild::RebuildProgress,
};
use crate::{
    envelope::Position,
    metrics::{Observer, ProjectionMeter},
    store::{Checkpoint, Partition, ProjectionId},
};

/// What a projection's runner is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// It has not reached its read store yet.
    Starting,
    /// Another application runs it; this one takes over when that one stops or dies.
    Standby {
        /// Which.
        owner: Owner,
    },
    /// It works through events that are waiting.
    CatchingUp,
    /// It stands still until it is [resumed](crate::operations::Operator::resume).
    Paused {
        /// Who asked for it.
        by: String,
    },
    /// It is at the head of the log, and waits for news.
    Live,
    /// A store is away; it tries again.
    Retrying {
        /// What went wrong the last time, with the causes.
        error: String,
        /// How often in a row.
        attempts: u32,
    },
    /// It has stopped because going on would lose data: a person has to look.
    Halted {
        /// Why, with the causes, and what to do.
        reason: String,
    },
    /// It was stopped with the application.
    Stopped,
}

/// How a projection is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProjectionHealth {
    /// Which projection.
    pub projection: ProjectionId,
    /// What it is doing.
    pub state: ProjectionState,
    /// All events up to here are applied, or parked.
    pub applied: Position,
    /// The head of the log.
    pub head: Position,
    /// How far it is behind.
    pub lag: Lag,
    /// The lag that it promises to stay under.
    pub max_lag: Option<Duration>,
    /// How many events are parked.
    pub parked: u64,
    /// The partitions that run here, where it is divided. What is said of the projection is said of these together.
    pub partitions: Vec<Partition>,
    /// The documents were built by other handlers, or another definition, than the ones that are compiled in: raise the
    /// version, or [rebuild](crate::operations::Operator::rebuild) them.
    pub outdated: bool,
    /// How a build is getting on that is to take the place of the one that answers.
    pub rebuild: Option<RebuildProgress>,
}

impl ProjectionHealth {
    /// It runs, here or elsewhere, nothing is parked, and it keeps its promised lag.
    pub fn is_well(&self) -> bool {
        let runs = matches!(
            self.state,
            ProjectionState::Live | ProjectionState::CatchingUp | ProjectionState::Standby { .. }
        );
        runs && self.parked == 0 && self.max_lag.is_none_or(|max| self.lag.time <= max)
    }
}

/// What a runner shows of itself, and how its lag is told to the hooks.
pub(super) struct Status {
    contract: Contract,
    pub(super) meter: Arc<ProjectionMeter>,
    head: watch::Receiver<Position>,
    started: Timestamp,
    progress: Mutex<Progress>,
}

struct Progress {
    state: ProjectionState,
    /// Of the partitions that run here; of the whole, where it is not divided or another application runs it.
    reached: BTreeMap<Partition, Reached>,
    head: Position,
    outdated: bool,
    rebuild: Option<RebuildProgress>,
}

/// How far a partition is.
#[derive(Clone, Copy)]
struct Reached {
    applied: Position,
    as_of: Timestamp,
    parked: u64,
}

impl Progress {
    /// How far all of it is that is known here.
    fn reached(&self) -> Option<Reached> {
        let known = || self.reached.values();
        Some(Reached {
            applied: known().map(|reached| reached.applied).min()?,
            as_of: known().map(|reached| reached.as_of).min()?,
            parked: known().map(|reached| reached.parked).sum(),
        })
    }
}

impl Status {
    pub(super) fn new(
        projection: ProjectionId,
        max_lag: Option<Duration>,
        hooks: Vec<Arc<dyn LagHook>>,
        head: watch::Receiver<Position>,
    ) -> Self {
        let progress = Progress {
            state: ProjectionState::Starting,
            reached: BTreeMap::new(),
            head: Position::ZERO,
            outdated: false,
            rebuild: None,
        };
        let meter = Arc::new(ProjectionMeter::of(&projection));
        let contract = Contract::new(projection, max_lag, hooks, Observer::Owner);
        Self { contract, meter, head, started: Timestamp::now(), progress: Mutex::new(progress) }
    }

    /// Sets the state; true where it differs from the one before.
    pub(super) fn set_state(&self, state: ProjectionState) -> bool {
        let mut progress = self.lock();
        let changed = progress.state != state;
        progress.state = state;
        changed
    }

    /// How many events of a partition are parked.
    pub(super) fn parked(&self, partition: Partition) -> u64 {
        self.lock().reached.get(&partition).map_or(0, |reached| reached.parked)
    }

    pub(super) fn set_checkpoint(&self, partition: Partition, checkpoint: &Checkpoint) {
        let mut progress = self.lock();
        progress.head = progress.head.max(checkpoint.head);
        let Checkpoint { position: applied, as_of, parked, .. } = *checkpoint;
        progress.reached.insert(partition, Reached { applied, as_of, parked });
    }

    /// Which partitions run here; what is known of others is forgotten.
    pub(super) fn show(&self, partitions: &[Partition]) {
        self.lock().reached.retain(|partition, _| partitions.contains(partition));
    }

    /// The projection was seen to hold all that was recorded before `as_of`, without anything to write.
    pub(super) fn set_as_of(&self, as_of: Timestamp) {
        self.lock().reached.values_mut().for_each(|reached| reached.as_of = as_of);
    }

    pub(super) fn health(&self) -> ProjectionHealth {
        let progress = self.lock();
        let reached = self.reached(&progress);
        let (head, lag) = self.lag(&progress, reached);
        ProjectionHealth {
            projection: self.contract.projection().clone(),
            state: progress.state.clone(),
            applied: reached.applied,
            head,
            lag,
            max_lag: self.contract.max_lag(),
            parked: reached.parked,
            partitions: progress.reached.keys().copied().filter(|partition| !partition.is_whole()).collect(),
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

    /// Measures the lag now, and tells hooks and gauges; not before it is known what is applied.
    pub(super) fn observe(&self) {
        let (lag, parked) = {
            let progress = self.lock();
            if progress.state == ProjectionState::Starting {
                return;
            }
            let reached = self.reached(&progress);
            (self.lag(&progress, reached).1, reached.parked)
        };
        self.contract.observe(lag, parked);
    }

    fn reached(&self, progress: &Progress) -> Reached {
        let nothing = Reached { applied: Position::ZERO, as_of: self.started, parked: 0 };
        progress.reached().unwrap_or(nothing)
    }

    fn lag(&self, progress: &Progress, reached: Reached) -> (Position, Lag) {
        let head = progress.head.max(*self.head.borrow());
        (head, Lag::measure(reached.applied, head, reached.as_of, Timestamp::now()))
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
