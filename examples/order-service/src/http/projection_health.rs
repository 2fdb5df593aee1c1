//! The body of a projection's health.

use std::time::Duration;

use cqrs_axum::duration;
use cqrs_core::runtime::{
    CheckpointHealth, CheckpointState, LastError, PartitionHealth, ProjectionHealth, ProjectionState,
    RebuildProgress,
};
use serde::Serialize;
use utoipa::ToSchema;

/// How a projection is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectionBody {
    /// Its name.
    #[schema(example = "order_summary")]
    pub(super) name: String,
    /// Its version.
    version: u32,
    /// `starting`, `standby`, `catching_up`, `live`, `paused`, `retrying`, `halted` or `stopped` where this process builds it; else
    /// `unknown`, `not_built`, `running`, `silent`, `diverged` or `unreachable`, as the read store shows it.
    #[schema(example = "live")]
    state: &'static str,
    /// All events up to here are in it.
    applied: u64,
    /// The head of the log, as far as it is known here.
    head: u64,
    /// How many positions of the log it is behind.
    lag_events: u64,
    /// How far it is behind in time.
    #[schema(example = "12ms")]
    lag: String,
    /// The lag that it promises to stay under.
    #[schema(example = "2000ms")]
    max_lag: Option<String>,
    /// It is further behind than that.
    breached: bool,
    /// How many events it has put aside.
    parked: u64,
    /// The process that runs it, this one or another; where it is divided, the one that leads it. Absent where nobody is seen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "process 4711 on app-2")]
    owner: Option<String>,
    /// Its partitions, in their order, where it is divided. What is said of the projection is said of all of them together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partitions: Vec<PartitionBody>,
    /// How long ago that was seen in the read store which this process does not know by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "250ms")]
    age: Option<String>,
    /// What went wrong the last time since this process was started, also where all is well again.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<ErrorBody>,
    /// How far a build is that is to take the place of the one that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuild: Option<RebuildBody>,
    /// Its documents were built by another definition, or other handlers, than this program's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outdated: bool,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// How a build is getting on.
#[derive(Debug, Serialize, ToSchema)]
struct RebuildBody {
    /// All events up to here are in it.
    applied: u64,
    /// The head of the log.
    head: u64,
    /// Positions of the log a second.
    events_per_second: f64,
    /// How long it still takes, if it goes on like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1500ms")]
    remaining: Option<String>,
    /// Why it has stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted: Option<String>,
}

impl From<RebuildProgress> for RebuildBody {
    fn from(progress: RebuildProgress) -> Self {
        let RebuildProgress { applied, head, events_per_second, remaining, halted, .. } = progress;
        let remaining = remaining.map(duration::format);
        Self { applied: applied.get(), head: head.get(), events_per_second, remaining, halted }
    }
}

/// How a partition of a projection is.
#[derive(Debug, Serialize, ToSchema)]
struct PartitionBody {
    /// Which one, counted from 0, of how many.
    #[schema(example = "5/64")]
    partition: String,
    /// The process that runs it; null where nobody is seen to.
    #[schema(example = "process 4711 on app-2")]
    owner: Option<String>,
    /// All events up to here are in it.
    applied: u64,
    /// How many positions of the log it is behind.
    lag_events: u64,
    /// How far it is behind in time.
    #[schema(example = "12ms")]
    lag: String,
    /// How many events it has put aside.
    parked: u64,
}

impl From<PartitionHealth> for PartitionBody {
    fn from(health: PartitionHealth) -> Self {
        let PartitionHealth { partition, owner, applied, lag, parked, .. } = health;
        Self {
            partition: partition.to_string(),
            owner: owner.map(|owner| owner.to_string()),
            applied: applied.get(),
            lag_events: lag.events,
            lag: duration::format(lag.time),
            parked,
        }
    }
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorBody {
    /// What, with its causes.
    error: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: String,
}

impl From<LastError> for ErrorBody {
    fn from(LastError { error, at, .. }: LastError) -> Self {
        Self { error, at: at.to_string() }
    }
}

impl ProjectionBody {
    /// One that runs in this process, or stands by.
    pub(super) fn running(health: ProjectionHealth) -> Self {
        let reason = (!health.is_well()).then(|| why(&health));
        let ProjectionHealth {
            projection,
            state,
            applied,
            head,
            lag,
            max_lag,
            parked,
            owner,
            partitions,
            age,
            last_error,
            outdated,
            rebuild,
            ..
        } = health;
        Self {
            name: projection.name,
            version: projection.version,
            state: match state {
                ProjectionState::Starting => "starting",
                ProjectionState::Standby { .. } => "standby",
                ProjectionState::CatchingUp => "catching_up",
                ProjectionState::Live => "live",
                ProjectionState::Paused { .. } => "paused",
                ProjectionState::Retrying { .. } => "retrying",
                ProjectionState::Halted { .. } => "halted",
                ProjectionState::Stopped => "stopped",
                _ => "unknown",
            },
            applied: applied.get(),
            head: head.get(),
            lag_events: lag.events,
            lag: duration::format(lag.time),
            max_lag: max_lag.map(duration::format),
            breached: max_lag.is_some_and(|max| lag.time > max),
            parked,
            owner: owner.map(|owner| owner.to_string()),
            partitions: partitions.into_iter().map(PartitionBody::from).collect(),
            age: (age > Duration::ZERO).then(|| duration::format(age)),
            last_error: last_error.map(ErrorBody::from),
            rebuild: rebuild.map(RebuildBody::from),
            outdated,
            reason,
        }
    }
}

fn why(health: &ProjectionHealth) -> String {
    match &health.state {
        ProjectionState::Starting => "it has not reached its read store yet".to_owned(),
        ProjectionState::Paused { by } => format!("{by} has paused it"),
        ProjectionState::Retrying { error, attempts } => format!("{error} ({attempts} attempts)"),
        ProjectionState::Halted { reason } => reason.clone(),
        ProjectionState::Stopped => "it is stopped".to_owned(),
        _ if health.parked > 0 => parked(health.parked),
        _ => behind(health.lag.time, health.max_lag),
    }
}

fn parked(count: u64) -> String {
    format!("{count} events are put aside, as they can't be read or applied")
}

fn behind(lag: Duration, max_lag: Option<Duration>) -> String {
    let promised = max_lag.unwrap_or_default();
    format!("it is {} behind, but promises {}", duration::format(lag), duration::format(promised))
}

impl ProjectionBody {
    /// A projection that another process builds, as the read store shows it.
    pub(super) fn watched(health: CheckpointHealth) -> Self {
        let reason = (!health.is_well()).then(|| why_watched(&health));
        let CheckpointHealth {
            projection,
            state,
            applied,
            head,
            lag,
            max_lag,
            breached,
            parked,
            owner,
            partitions,
            age,
            last_error,
            ..
        } = health;
        Self {
            name: projection.name,
            version: projection.version,
            state: match state {
                CheckpointState::NotBuilt => "not_built",
                CheckpointState::Moving => "running",
                CheckpointState::Silent { .. } => "silent",
                CheckpointState::Diverged => "diverged",
                CheckpointState::Unreachable { .. } => "unreachable",
                _ => "unknown",
            },
            applied: applied.get(),
            head: head.get(),
            lag_events: lag.events,
            lag: duration::format(lag.time),
            max_lag: max_lag.map(duration::format),
            breached,
            parked,
            owner: owner.map(|owner| owner.to_string()),
            partitions: partitions.into_iter().map(PartitionBody::from).collect(),
            age: Some(duration::format(age)),
            last_error: last_error.map(ErrorBody::from),
            rebuild: None,
            outdated: false,
            reason,
        }
    }
}

fn why_watched(health: &CheckpointHealth) -> String {
    match &health.state {
        CheckpointState::NotBuilt => "no projector has built it yet".to_owned(),
        CheckpointState::Diverged => {
            "the log was put back to an earlier state, or has gone on from one".to_owned()
        }
        CheckpointState::Unreachable { error } => error.clone(),
        CheckpointState::Moving if health.breached => behind(health.lag.time, health.max_lag),
        CheckpointState::Moving => parked(health.parked),
        CheckpointState::Silent { since } => {
            let silent = format!("no projector has shown a sign of life for {}", duration::format(*since));
            if health.breached {
                format!("{}; {silent}", behind(health.lag.time, health.max_lag))
            } else {
                silent
            }
        }
        _ => "it was not looked at yet".to_owned(),
    }
}
