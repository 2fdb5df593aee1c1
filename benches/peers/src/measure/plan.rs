use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plans {
    pub(crate) rounds: usize,
    /// Of each measurement of commands.
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    /// Of each measurement of loads.
    pub(crate) load_time: Duration,
    /// Backlogs are smaller by this factor.
    pub(crate) backlog_divisor: u32,
}

impl Plans {
    pub(crate) const FULL: Self = Self {
        rounds: 3,
        warm_up: Duration::from_millis(500),
        time: Duration::from_millis(1_500),
        load_time: Duration::from_millis(500),
        backlog_divisor: 1,
    };

    /// Shows that everything works; its figures say little.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        warm_up: Duration::from_millis(200),
        time: Duration::from_millis(300),
        load_time: Duration::from_millis(100),
        backlog_divisor: 10,
    };
}
