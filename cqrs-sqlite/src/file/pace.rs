use std::{
    panic,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use cqrs_core::store::Error;

/// What is done sooner than this is done at once, on the caller's thread: handing it to another one costs more than
/// it blocks. See `docs/adr/0009-short-statements-run-in-place.md`.
const QUICK: Duration = Duration::from_micros(250);

/// How long one kind of work has taken of late.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    nanos: AtomicU64,
}

impl Pace {
    /// Work of this kind blocks for no longer than a task may.
    pub(crate) fn is_quick(&self) -> bool {
        Duration::from_nanos(self.nanos.load(Relaxed)) < QUICK
    }

    /// Does work, and takes its time. One slow run counts at once, a quick one only by and by.
    pub(crate) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before = self.nanos.load(Relaxed);
        self.nanos.store(if took > before { took } else { before - (before - took) / 8 }, Relaxed);
        done
    }
}

/// Does work where it may block. It is done to its end, also where the caller stops waiting for it.
pub(crate) async fn off_thread<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
        Err(error) => Err(Error::unavailable(doing, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_run_counts_at_once_and_quick_ones_by_and_by() {
        let pace = Pace::default();
        assert!(pace.is_quick());
        pace.nanos.store(10_000_000, Relaxed);
        pace.time(|| ());
        assert!(!pace.is_quick());
        for _ in 0..100 {
            pace.time(|| ());
        }
        assert!(pace.is_quick());
        pace.time(|| std::thread::sleep(QUICK));
        assert!(!pace.is_quick());
    }
}
