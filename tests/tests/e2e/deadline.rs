//! Waits for conditions.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Far beyond what anything takes: a test that gets here has failed.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < DEADLINE, "waited {} s in vain until {what}", DEADLINE.as_secs());
        thread::sleep(Duration::from_millis(2));
    }
}
