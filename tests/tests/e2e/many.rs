//! Looks at many things, one by one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Threads that look at them.
const READERS: usize = 4;

/// How many of many are looked at one by one, by a question of their own.
const SAMPLE: usize = 4_000;

/// Of many of them so many, from the first to the last.
pub(crate) fn sample<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(SAMPLE).max(1);
    all.into_iter().step_by(step).collect()
}

/// Checks each of them, some at a time.
pub(crate) fn in_parallel<T: Sync>(items: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(item);
                }
            });
        }
    });
}
