use std::time::Duration;

use super::{lag::Lag, owner::Owner, partition_health::PartitionHealth, projection_health::LastError};
use crate::{envelope::Position, store::ProjectionId};

/// How a projection is that another process keeps up to date, as its checkpoint in the read store tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointHealth {
    /// Which projection.
    pub projection: ProjectionId,
    /// What its checkpoint does.
    pub state: CheckpointState,
    /// Which application runs what answers queries of it; where that is divided, the one that leads it. `None` where nobody is
    /// seen to, as once an owner's lease has run out, or where leases can't be read.
    pub owner: Option<Owner>,
    /// All events up to here are applied, or parked.
    pub applied: Position,
    /// The head of the log, as far as this program knows it.
    pub head: Position,
    /// How far it is behind at the most; see `docs/consistency.md` for how this is known without the log.
    pub lag: Lag,
    /// The lag that it promises to stay under.
    pub max_lag: Option<Duration>,
    /// It is further behind than that.
    pub breached: bool,
    /// How many events are parked.
    pub parked: u64,
    /// Each partition, in their order, where what answers queries is divided.
    pub partitions: Vec<PartitionHealth>,
    /// How long ago the read store has told this; at first, since watching began. The lag is measured now.
    pub age: Duration,
    /// Why the read store did not answer the last time, also where it does again.
    pub last_error: Option<LastError>,
    /// By how much the clock of the process that runs the projection is ahead of the one here, at least: the lag may be
    /// shown by as much too low. Zero where it is not known to be ahead.
    pub clock_ahead: Duration,
}

/// What the checkpoint of a projection does that another process keeps up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointState {
    /// It was not looked at yet.
    Unknown,
    /// There is none: nobody has built the projection yet.
    NotBuilt,
    /// It moves, so a process runs the projection.
    Moving,
    /// It has not moved for longer than the promised lag, or two heartbeats where none is promised: nobody runs the
    /// projection, or whoever does is stuck, has halted, or is [paused](crate::operations::Operator::pause).
    Silent {
        /// For how long.
        since: Duration,
    },
    /// The log was put back to an earlier state, or has gone on from one; the projection has halted.
    Diverged,
    /// The read store does not answer.
    Unreachable {
        /// Why, with the causes.
        error: String,
    },
}

impl CheckpointHealth {
    /// Its checkpoint moves, nothing is parked, and it keeps its promised lag.
    pub fn is_well(&self) -> bool {
        self.state == CheckpointState::Moving && self.parked == 0 && !self.breached
    }
}
