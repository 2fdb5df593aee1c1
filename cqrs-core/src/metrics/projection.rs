use std::time::Duration;

use super::{
    metric::{Series, float, length},
    table,
};
use crate::{
    runtime::{Lag, RebuildProgress},
    store::ProjectionId,
};

/// Who measures a projection's lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Observer {
    /// The process that runs the projection.
    Owner,
    /// One that reads its documents.
    Reader,
}

impl Observer {
    const fn label(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Reader => "reader",
        }
    }
}

/// How far one projection is behind.
#[derive(Debug)]
pub(crate) struct LagGauges {
    seconds: Series,
    events: Series,
    max: Series,
    breaches: Series,
    parked: Series,
}

impl LagGauges {
    pub(crate) fn of(projection: &ProjectionId, observer: Observer) -> Self {
        let version = projection.version.to_string();
        let labels = [projection.name.as_str(), version.as_str(), observer.label()];
        Self {
            seconds: table::LAG_SECONDS.series(labels),
            events: table::LAG_EVENTS.series(labels),
            max: table::MAX_LAG.series(labels),
            breaches: table::BREACHES.series(labels),
            parked: table::PARKED.series(labels),
        }
    }

    pub(crate) fn observed(&self, lag: Lag, max_lag: Option<Duration>, parked: u64, newly_breached: bool) {
        self.seconds.set(lag.time.as_secs_f64());
        self.events.set(float(lag.events));
        self.parked.set(float(parked));
        if let Some(max_lag) = max_lag {
            self.max.set(max_lag.as_secs_f64());
            // Zero is added, too: who watches for a breach sees the series from the start.
            self.breaches.add(u64::from(newly_breached));
        }
    }
}

/// What the runner of one projection does.
#[derive(Debug)]
pub(crate) struct ProjectionMeter {
    events: Series,
    batch_events: Series,
    batch_seconds: Series,
    handler_seconds: Series,
    retries: Series,
    parked: Series,
    rebuild_applied: Series,
    rebuild_left: Series,
    rebuild_rate: Series,
    rebuild_remaining: Series,
}

impl ProjectionMeter {
    pub(crate) fn of(projection: &ProjectionId) -> Self {
        let version = projection.version.to_string();
        let labels = [projection.name.as_str(), version.as_str()];
        Self {
            events: table::PROJECTION_EVENTS.series(labels),
            batch_events: table::BATCH_EVENTS.series(labels),
            batch_seconds: table::BATCH_SECONDS.series(labels),
            handler_seconds: table::HANDLER_SECONDS.series(labels),
            retries: table::RETRIES.series(labels),
            parked: table::PARKED_TOTAL.series(labels),
            rebuild_applied: table::REBUILD_APPLIED.series(labels),
            rebuild_left: table::REBUILD_LEFT.series(labels),
            rebuild_rate: table::REBUILD_RATE.series(labels),
            rebuild_remaining: table::REBUILD_REMAINING.series(labels),
        }
    }

    pub(crate) fn batch(&self, events: usize, took: Duration) {
        self.events.add(u64::try_from(events).unwrap_or(u64::MAX));
        self.batch_events.record(length(events));
        self.batch_seconds.record(took.as_secs_f64());
    }

    pub(crate) fn handled(&self, took: Duration) {
        self.handler_seconds.record(took.as_secs_f64());
    }

    pub(crate) fn retried(&self) {
        self.retries.add(1);
    }

    pub(crate) fn parked(&self) {
        self.parked.add(1);
    }

    /// How a build beside the one that answers is getting on.
    pub(crate) fn rebuild(&self, progress: &RebuildProgress) {
        let (rate, remaining) = match progress.halted {
            Some(_) => (0.0, None),
            None => (progress.events_per_second, progress.remaining),
        };
        self.rebuild_applied.set(float(progress.applied.get()));
        self.rebuild_left.set(float(progress.head.since(progress.applied)));
        self.rebuild_rate.set(rate);
        self.rebuild_remaining.set(remaining.map_or(f64::NAN, |remaining| remaining.as_secs_f64()));
    }

    /// It answers now, or was given up.
    pub(crate) fn rebuild_ended(&self) {
        for series in [&self.rebuild_left, &self.rebuild_rate, &self.rebuild_remaining] {
            series.set(0.0);
        }
    }
}
