use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    lag::{Lag, LagHook},
    owner::Owner,
};
use crate::{
    envelope::Position,
    store::{Checkpoint, ProjectionId},
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    projection: ProjectionId,
    max_lag: Option<Duration>,
    hooks: Vec<Arc<dyn LagHook>>,
    head: watch::Receiver<Position>,
    progress: Mutex<Progress>,
}

struct Progress {
    state: ProjectionState,
    applied: Position,
    head: Position,
    as_of: Timestamp,
    parked: u64,
    breached: bool,
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
            applied: Position::ZERO,
            head: Position::ZERO,
            as_of: Timestamp::now(),
            parked: 0,
            breached: false,
        };
        Self { projection, max_lag, hooks, head, progress: Mutex::new(progress) }
    }

    /// Sets the state; true where it differs from the one before.
    pub(super) fn set_state(&self, state: ProjectionState) -> bool {
        let mut progress = self.lock();
        let changed = progress.state != state;
        progress.state = state;
        changed
    }

    /// How many events are parked.
    pub(super) fn parked(&self) -> u64 {
        self.lock().parked
    }

    pub(super) fn set_checkpoint(&self, checkpoint: &Checkpoint) {
        let mut progress = self.lock();
        progress.applied = checkpoint.position;
        progress.head = progress.head.max(checkpoint.head);
        progress.as_of = checkpoint.as_of;
        progress.parked = checkpoint.parked;
    }

    /// The projection was seen to hold all that was recorded before `as_of`, without anything to write.
    pub(super) fn set_as_of(&self, as_of: Timestamp) {
        self.lock().as_of = as_of;
    }

    pub(super) fn health(&self) -> ProjectionHealth {
        let progress = self.lock();
        let (head, lag) = self.lag(&progress);
        ProjectionHealth {
            projection: self.projection.clone(),
            state: progress.state.clone(),
            applied: progress.applied,
            head,
            lag,
            max_lag: self.max_lag,
            parked: progress.parked,
        }
    }

    /// Measures the lag now, and tells hooks and gauges; not before it is known what is applied.
    pub(super) fn observe(&self) {
        let (lag, crossed) = {
            let mut progress = self.lock();
            if progress.state == ProjectionState::Starting {
                return;
            }
            let (_, lag) = self.lag(&progress);
            let breached = self.max_lag.is_some_and(|max| lag.time > max);
            let crossed = breached != progress.breached;
            progress.breached = breached;
            (lag, crossed.then_some(breached))
        };
        metrics::gauge!("cqrs_projection_lag_seconds", "projection" => self.projection.name.clone())
            .set(lag.time.as_secs_f64());
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 events are beyond any log")]
        metrics::gauge!("cqrs_projection_lag_events", "projection" => self.projection.name.clone())
            .set(lag.events as f64);
        for hook in &self.hooks {
            // A hook's fault is not the projection's.
            let told = catch_unwind(AssertUnwindSafe(|| self.tell(&**hook, lag, crossed)));
            if told.is_err() {
                tracing::error!(projection = %self.projection, "a lag hook panicked");
            }
        }
    }

    fn tell(&self, hook: &dyn LagHook, lag: Lag, crossed: Option<bool>) {
        hook.observed(&self.projection, lag);
        match (crossed, self.max_lag) {
            (Some(true), Some(max_lag)) => hook.breached(&self.projection, lag, max_lag),
            (Some(false), _) => hook.recovered(&self.projection, lag),
            _ => {}
        }
    }

    fn lag(&self, progress: &Progress) -> (Position, Lag) {
        let head = progress.head.max(*self.head.borrow());
        (head, Lag::measure(progress.applied, head, progress.as_of, Timestamp::now()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(&self.projection).finish()
    }
}
