use std::time::Duration;

use jiff::Timestamp;

use crate::{envelope::Position, store::ProjectionId};

/// How far a projection is behind its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Positions of the log that are not applied yet.
    pub events: u64,
    /// For how long the oldest event that is not applied may have been waiting; zero where there is none.
    pub time: Duration,
}

impl Lag {
    /// The lag at `now` of a projection that has applied all up to `applied`, and all that was recorded before
    /// `as_of`, of a log whose head is `head`.
    pub fn measure(applied: Position, head: Position, as_of: Timestamp, now: Timestamp) -> Self {
        let events = head.since(applied);
        let time = if events == 0 { Duration::ZERO } else { elapsed(as_of, now) };
        Self { events, time }
    }
}

/// From one moment to a later one; zero where clocks disagree.
pub(crate) fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// Is told how far projections are behind, by the process that runs them and, with the same meaning, by those that only
/// read; see `docs/consistency.md`. Where a projection is divided, whoever runs partitions of it tells of these alone, and a
/// reader of all of them. Called from the task that runs or watches the projection: be quick, and hand
/// longer work to another task. A panic harms nothing.
pub trait LagHook: Send + Sync + 'static {
    /// The lag was measured: after each batch where the projection runs, and a few times a second.
    fn observed(&self, projection: &ProjectionId, lag: Lag) {
        let _ = (projection, lag);
    }

    /// The projection is further behind than the `max_lag` that it promises. Called once for each time that it
    /// falls behind.
    fn breached(&self, projection: &ProjectionId, lag: Lag, max_lag: Duration) {
        let _ = (projection, lag, max_lag);
    }

    /// The projection keeps its promise again.
    fn recovered(&self, projection: &ProjectionId, lag: Lag) {
        let _ = (projection, lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).expect("in range")
    }

    #[test]
    fn nothing_to_apply_is_no_lag_however_old_the_last_event_is() {
        assert_eq!(Lag::measure(Position::new(7), Position::new(7), at(0), at(86_400_000)), Lag::default());
    }

    #[test]
    fn lag_counts_from_the_oldest_event_that_is_not_applied() {
        let lag = Lag::measure(Position::new(7), Position::new(9), at(1_000), at(1_500));
        assert_eq!(lag, Lag { events: 2, time: Duration::from_millis(500) });
    }

    #[test]
    fn clocks_that_disagree_give_no_negative_lag() {
        assert_eq!(
            Lag::measure(Position::new(1), Position::new(2), at(2_000), at(1_000)).time,
            Duration::ZERO
        );
    }
}
