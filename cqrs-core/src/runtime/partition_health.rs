use std::time::Duration;

use super::{lag::Lag, owner::Owner};
use crate::{envelope::Position, store::Partition};

/// How a partition of a projection is that is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionHealth {
    /// Which one.
    pub partition: Partition,
    /// Which application runs it; `None` where nobody is seen to, as between the end of an owner and its successor.
    pub owner: Option<Owner>,
    /// This application runs it, or was the last that did; what is said of it comes from memory.
    pub is_here: bool,
    /// All events up to here are applied, or parked.
    pub applied: Position,
    /// How far it is behind; where it runs elsewhere in [`ProjectionHealth`](super::ProjectionHealth), as it was when that was
    /// seen.
    pub lag: Lag,
    /// How many events are parked. One whose documents are not known is parked in each partition.
    pub parked: u64,
    /// How long ago this was seen in the read store; zero where it runs here.
    pub age: Duration,
}
