//! What one measurement of commands gave.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::figures::{median, millis, per_second, percentile};

/// What one process has done.
#[derive(Serialize, Deserialize)]
pub(crate) struct Done {
    /// All commands, those that got in the way of others too.
    pub(super) commands: u64,
    pub(super) conflicts: u64,
    pub(super) took: Duration,
    /// How long each command took, in nanoseconds; four seconds where it was more.
    pub(super) nanoseconds: Vec<u32>,
}

/// What all processes of one measurement have done.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) commands: u64,
    pub(super) conflicts: u64,
}

impl Sample {
    pub(super) fn of(processes: &[Done]) -> Self {
        let mut times: Vec<Duration> = processes
            .iter()
            .flat_map(|done| &done.nanoseconds)
            .map(|nanoseconds| Duration::from_nanos((*nanoseconds).into()))
            .collect();
        times.sort_unstable();
        Self {
            per_second: processes.iter().map(|done| per_second(done.commands, done.took)).sum(),
            p50: percentile(&times, 0.5),
            p99: percentile(&times, 0.99),
            commands: processes.iter().map(|done| done.commands).sum(),
            conflicts: processes.iter().map(|done| done.conflicts).sum(),
        }
    }
}

/// The medians of several rounds.
#[derive(Clone, Copy)]
pub(super) struct Medians {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Conflicts for each hundred commands.
    pub(super) conflicts: f64,
}

impl Medians {
    pub(super) fn of(samples: &[Sample]) -> Self {
        let middle = |of: fn(&Sample) -> f64| median(samples.iter().map(of).collect());
        Self {
            per_second: middle(|sample| sample.per_second),
            p50: middle(|sample| millis(sample.p50)),
            p99: middle(|sample| millis(sample.p99)),
            conflicts: middle(|sample| {
                per_second(sample.conflicts * 100, Duration::from_secs(1))
                    / per_second(sample.commands, Duration::from_secs(1))
            }),
        }
    }
}
