use std::{num::NonZeroU32, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// How projections run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// The most events that are read and written at once. Default: 1,000.
    pub batch: usize,
    /// The same while a projection is far behind, by at least so many events, and its read store fast: pages grow up to
    /// it, and shrink again where one takes long to write. Default: 5,000.
    pub backlog_batch: usize,
    /// How often a projection with nothing to do says in its read store that it is up to date, which is how other
    /// processes know. It bounds what `latest()` and `max_lag(…)` cost them. Default: 250 ms; a projection that
    /// promises a `max_lag` does so at least four times in that.
    pub heartbeat: Duration,
    /// The longest pause before a store that is away is tried again; pauses start at 20 ms and double, with jitter.
    /// Default: 2 s.
    pub longest_pause: Duration,
    /// How long the lease of a projection lasts when its owner has died: until then, no other application takes it
    /// over. An owner that is well renews it three times in that. At least 100 ms. Default: 1.5 s.
    pub lease: Duration,
    /// How many sequences of a projection may be parked, documents or streams, before it halts instead of parking one more:
    /// a deploy that breaks a handler stops it, rather than putting the world aside. Default: 1,000.
    pub max_parked: usize,
    /// The most events a second that a [rebuild](crate::operations::Operator::rebuild) applies; `None`, the default: as many as
    /// it can.
    pub rebuild_events_per_second: Option<NonZeroU32>,
    /// How long a build stays that is not asked any more, after a switch to a newer one. Those of older versions stay in any case
    /// for as long as an application runs them. Default: 1 hour.
    pub grace: Duration,
    /// Into how many [partitions](crate::store::Partition) the documents of each projection are divided; `None`, the default:
    /// as each of them [declares](crate::domain::Projection::PARTITIONS).
    pub partitions: Option<u16>,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self {
            batch: 1_000,
            backlog_batch: 5_000,
            heartbeat: Duration::from_millis(250),
            longest_pause: Duration::from_secs(2),
            lease: Duration::from_millis(1_500),
            max_parked: 1_000,
            rebuild_events_per_second: None,
            grace: Duration::from_hours(1),
            partitions: None,
        }
    }
}

impl RuntimeOptions {
    /// Batches of at most this many events, at least one, near the head of the log and far behind it.
    #[must_use]
    pub const fn batch(mut self, events: usize) -> Self {
        self.batch = if events == 0 { 1 } else { events };
        self.backlog_batch = self.batch;
        self
    }

    /// Batches of at most this many events far behind the head of the log, at least one. Call it after
    /// [`batch`](Self::batch), which sets it too.
    #[must_use]
    pub const fn backlog_batch(mut self, events: usize) -> Self {
        self.backlog_batch = if events == 0 { 1 } else { events };
        self
    }

    /// A heartbeat this often.
    #[must_use]
    pub const fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// Pauses of up to this length.
    #[must_use]
    pub const fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// Leases of this length.
    #[must_use]
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_millis(100));
        self
    }

    /// At most so many parked sequences.
    #[must_use]
    pub const fn max_parked(mut self, sequences: usize) -> Self {
        self.max_parked = sequences;
        self
    }

    /// Rebuilds that apply at most so many events a second.
    #[must_use]
    pub const fn rebuild_events_per_second(mut self, events: NonZeroU32) -> Self {
        self.rebuild_events_per_second = Some(events);
        self
    }

    /// A time of grace of this length.
    #[must_use]
    pub const fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// Projections that are divided into so many partitions, whatever they declare: a power of two, at most
    /// [`Partition::MOST`](crate::store::Partition::MOST). Another number is an error when the application is built. Those that
    /// write by themselves stay whole.
    #[must_use]
    pub const fn partitions(mut self, partitions: u16) -> Self {
        self.partitions = Some(partitions);
        self
    }

    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        // Jitter adds up to the pause itself.
        let longest = self.longest_pause / 2;
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(20).min(longest))
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times()
            .build()
    }

    /// The heartbeat of a projection that promises this lag.
    pub(super) fn heartbeat_for(&self, max_lag: Option<Duration>) -> Duration {
        let promised = max_lag.map_or(self.heartbeat, |lag| self.heartbeat.min(lag / 4));
        promised.max(Duration::from_millis(10))
    }
}
