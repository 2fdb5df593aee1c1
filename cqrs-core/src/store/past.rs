use std::sync::atomic::{AtomicU64, Ordering};

/// The past of a log, as one store has seen it.
///
/// A log that is put back to an earlier state, or loses its newest events when a server takes over from another, goes on
/// with another past than the one that a process knows. Versions of streams don't tell: by the time that somebody looks, a
/// stream may have grown to the same version by other events.
///
/// A store that can find out hands out a past with each [append](super::Appended::past), and takes it back with the
/// [conditions](super::Append::past) that rest on it. One that can't hands out [`UNKNOWN`](Self::UNKNOWN).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past(u64);

impl Past {
    /// None that is known of.
    pub const UNKNOWN: Self = Self(0);

    /// One that differs from all others in this process.
    pub fn begin() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether it says anything.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }
}
