use std::time::Duration;

use jiff::Timestamp;

use super::{lag::Lag, owner::Owner, partition_health::PartitionHealth, rebuild::RebuildProgress};
use crate::{envelope::Position, store::ProjectionId};

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

/// What went wrong the last time, also where all is well again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastError {
    /// What, with the causes.
    pub error: String,
    /// When, by this host's clock.
    pub at: Timestamp,
}

impl LastError {
    /// It has gone wrong now.
    pub(super) fn now(error: String) -> Self {
        Self { error, at: Timestamp::now() }
    }
}

/// How a projection is: all of it, wherever its partitions run.
///
/// It is read from memory. What runs in this application is known exactly; what others run is as the read store told of it
/// [`age`](Self::age) ago.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProjectionHealth {
    /// Which projection.
    pub projection: ProjectionId,
    /// What this application does for it.
    pub state: ProjectionState,
    /// Which application runs it, this one or another; where it is divided, the one that leads it. `None` where nobody is seen to.
    pub owner: Option<Owner>,
    /// All events up to here are applied, or parked, in all partitions.
    pub applied: Position,
    /// The head of the log.
    pub head: Position,
    /// How far it is behind: where it is divided, the partition that is furthest; of what runs elsewhere as it was when it was
    /// seen.
    pub lag: Lag,
    /// The lag that it promises to stay under.
    pub max_lag: Option<Duration>,
    /// How many events are parked, in all partitions together.
    pub parked: u64,
    /// Each partition, in their order, where the build that is kept up to date is divided, as far as they are known.
    pub partitions: Vec<PartitionHealth>,
    /// How long ago what runs elsewhere was seen in the read store. An application that runs partitions looks once in the time of a
    /// [lease](super::RuntimeOptions::lease), between two batches of its own; not while it stands by as another one runs all of them
    /// for a moment, nor while a store is away. Zero where all of it runs here.
    pub age: Duration,
    /// What went wrong the last time in this application, since it was started: a store that was away, a lease that was lost, an
    /// event that was parked, a build beside this one that had to start over.
    pub last_error: Option<LastError>,
    /// The documents were built by other handlers, or another definition, than the ones that are compiled in: raise the
    /// version, or [rebuild](crate::operations::Operator::rebuild) them.
    pub outdated: bool,
    /// How a build is getting on that is to take the place of the one that answers; told where the projection is led.
    pub rebuild: Option<RebuildProgress>,
}

impl ProjectionHealth {
    /// It runs, here or elsewhere, nothing is parked, and it keeps its promised lag: in all of its partitions, as the answers
    /// that this application gives come from all of them. Of what runs elsewhere it is so as of [`age`](Self::age) ago; a
    /// [`LagMonitor`](super::LagMonitor) measures it now.
    ///
    /// [`LagHook`](super::LagHook)s are told of what runs here alone.
    pub fn is_well(&self) -> bool {
        let runs = matches!(
            self.state,
            ProjectionState::Live | ProjectionState::CatchingUp | ProjectionState::Standby { .. }
        );
        runs && self.parked == 0 && self.max_lag.is_none_or(|max| self.lag.time <= max)
    }
}
