use std::time::Duration;

use super::RuntimeOptions;
use crate::envelope::Position;

/// A page that took so long is too large, whatever it saves: until it is written, the views stand still.
const LONG: Duration = Duration::from_millis(500);

/// How large pages are. Far behind the head larger ones cost less for each event, where the read store is fast enough.
pub(super) struct Pace {
    near: usize,
    far: usize,
    /// Of the next page far behind the head.
    size: usize,
}

impl Pace {
    pub(super) fn of(options: &RuntimeOptions) -> Self {
        Self {
            near: options.batch,
            far: options.backlog_batch,
            size: options.batch.min(options.backlog_batch),
        }
    }

    /// That of a build beside the one that answers: where an option says how many events a second it may apply, a page has a tenth of
    /// them, so that it goes on evenly.
    pub(super) fn of_a_build(options: &RuntimeOptions) -> Self {
        let Some(most) = options.rebuild_events_per_second else { return Self::of(options) };
        let tenth = usize::try_from(most.get()).unwrap_or(usize::MAX).div_ceil(10);
        Self {
            near: options.batch.min(tenth),
            far: options.backlog_batch.min(tenth),
            size: options.batch.min(tenth),
        }
    }

    /// The most events of a page after this position.
    pub(super) fn limit(&self, after: Position, head: Position) -> usize {
        if head.since(after) >= self.far() { self.size } else { self.near }
    }

    /// Behind the head by so many events, or more, is far.
    pub(super) fn far(&self) -> u64 {
        u64::try_from(self.far).unwrap_or(u64::MAX)
    }

    /// So many events took so long.
    pub(super) fn took(&mut self, events: usize, time: Duration) {
        // One that was read before the size has changed says nothing new.
        if time >= LONG && events <= self.size {
            self.size = (self.size / 2).max(self.near.min(self.far));
        } else if events >= self.size && time < LONG / 4 {
            self.size = self.size.saturating_mul(2).min(self.far);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Position = Position::new(1_000_000);

    fn pace() -> Pace {
        Pace::of(&RuntimeOptions::default())
    }

    #[test]
    fn pages_of_a_build_are_a_tenth_of_what_it_may_apply_in_a_second() {
        let bounded = |events| {
            let most = std::num::NonZeroU32::new(events).expect("not zero");
            let options =
                RuntimeOptions { rebuild_events_per_second: Some(most), ..RuntimeOptions::default() };
            let mut pace = Pace::of_a_build(&options);
            pace.took(pace.limit(Position::ZERO, HEAD), Duration::ZERO);
            pace.limit(Position::ZERO, HEAD)
        };
        assert_eq!([1, 9, 1_000, 1_000_000].map(bounded), [1, 1, 100, 2_000]);
        assert_eq!(Pace::of_a_build(&RuntimeOptions::default()).limit(Position::ZERO, HEAD), 1_000);
    }

    #[test]
    fn the_first_page_far_behind_is_a_small_one_and_they_grow_while_the_store_is_fast() {
        let mut pace = pace();
        let mut sizes = Vec::new();
        for _ in 0..5 {
            let size = pace.limit(Position::ZERO, HEAD);
            sizes.push(size);
            pace.took(size, Duration::from_millis(20));
        }
        assert_eq!(sizes, [1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(pace.limit(Position::new(999_000), HEAD), 1_000, "near the head");
    }

    #[test]
    fn pages_shrink_where_the_store_is_slow() {
        let mut pace = pace();
        pace.took(1_000, Duration::from_millis(300));
        assert_eq!(pace.limit(Position::ZERO, HEAD), 1_000, "neither fast nor slow");
        for size in [1_000, 2_000, 4_000] {
            pace.took(size, Duration::ZERO);
        }
        pace.took(5_000, Duration::from_secs(4));
        assert_eq!(pace.limit(Position::ZERO, HEAD), 2_500);
        pace.took(5_000, Duration::from_secs(4));
        assert_eq!(pace.limit(Position::ZERO, HEAD), 2_500, "of those that were on their way");
        pace.took(2_500, Duration::from_secs(2));
        pace.took(1_250, Duration::from_secs(1));
        assert_eq!(pace.limit(Position::ZERO, HEAD), 1_000, "no smaller than near the head");
    }

    #[test]
    fn a_page_that_is_not_full_says_nothing_of_larger_ones() {
        let mut pace = pace();
        pace.took(10, Duration::ZERO);
        assert_eq!(pace.limit(Position::ZERO, HEAD), 1_000);
    }
}
