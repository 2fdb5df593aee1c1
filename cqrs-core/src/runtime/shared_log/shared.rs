use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    chain::{Look, MOST_EVENTS},
    expected::Expected,
    follower::Follower,
    window::Window,
};
use crate::{
    envelope::Position,
    store::{EventFilter, EventStore},
};

/// Two that are this far from each other are near: what one reads may still be there when the other comes by.
const REACH: u64 = MOST_EVENTS as u64;
/// More places than these are not shared.
const MOST_WINDOWS: usize = 4;

/// The log of an application, as its projections read it.
pub(in crate::runtime) struct SharedLog {
    pub(super) log: Arc<dyn EventStore>,
    readers: Mutex<Readers>,
    /// The reads so far.
    looks: AtomicU64,
}

#[derive(Default)]
struct Readers {
    next: u64,
    /// Where each reads next.
    slots: HashMap<u64, Slot>,
    /// Those who have not begun.
    expected: HashMap<u64, Announced>,
    windows: Vec<Arc<Window>>,
}

struct Slot {
    filter: Arc<EventFilter>,
    at: Position,
}

struct Announced {
    filter: Arc<EventFilter>,
    until: Instant,
}

impl SharedLog {
    pub(in crate::runtime) fn of(log: Arc<dyn EventStore>) -> Arc<Self> {
        Arc::new(Self { log, readers: Mutex::default(), looks: AtomicU64::new(0) })
    }

    /// One more who reads it.
    pub(in crate::runtime) fn follow(self: &Arc<Self>, filter: Arc<EventFilter>) -> Follower {
        Follower::new(Arc::clone(self), filter)
    }

    /// One more who is about to read it.
    pub(in crate::runtime) fn expect(self: &Arc<Self>, filter: Arc<EventFilter>) -> Expected {
        Expected::new(self, filter)
    }

    pub(super) fn announce(&self, reader: u64, filter: Arc<EventFilter>, until: Instant) {
        self.readers().expected.insert(reader, Announced { filter, until });
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn looks(&self) -> u64 {
        self.looks.load(SeqCst)
    }

    /// To be taken just before a read.
    pub(super) fn look(&self) -> Look {
        let number = self.looks.fetch_add(1, SeqCst) + 1;
        Look { number, began: Instant::now(), seen: Timestamp::now() }
    }

    pub(super) fn number(&self) -> u64 {
        let mut readers = self.readers();
        readers.next += 1;
        readers.next
    }

    /// The window to read in after a position; `None` where nobody else is near.
    pub(super) fn window(
        &self,
        reader: u64,
        filter: &Arc<EventFilter>,
        after: Position,
    ) -> Option<Arc<Window>> {
        let mut readers = self.readers();
        readers.expected.remove(&reader);
        readers.slots.insert(reader, Slot { filter: Arc::clone(filter), at: after });
        readers.tidy();
        let mut others = readers.slots.iter().filter(|(other, _)| **other != reader);
        let is_accompanied =
            !readers.expected.is_empty() || others.any(|(_, slot)| is_behind(slot.at, after));
        let found = readers.windows.iter().filter_map(|window| {
            let chain = window.chain();
            chain.contains(after).then_some((window, chain.end))
        });
        if let Some((window, end)) = found.max_by_key(|(_, end)| *end) {
            return (is_accompanied || after < end).then(|| Arc::clone(window));
        }
        let is_room = readers.windows.len() < MOST_WINDOWS;
        (is_accompanied && is_room).then(|| {
            let window = Arc::new(Window::at(after));
            readers.windows.push(Arc::clone(&window));
            window
        })
    }

    /// Whether nobody else is near, on either side, or about to come.
    pub(super) fn is_alone(&self, reader: u64, at: Position) -> bool {
        let readers = self.readers();
        let is_near = |slot: &Slot| slot.at.get().abs_diff(at.get()) <= REACH;
        readers.expected.is_empty()
            && readers.slots.iter().all(|(other, slot)| *other == reader || !is_near(slot))
    }

    /// Where a reader goes on.
    pub(super) fn moved(&self, reader: u64, at: Position) {
        if let Some(slot) = self.readers().slots.get_mut(&reader) {
            slot.at = at;
        }
    }

    #[cfg(test)]
    pub(super) fn windows(&self) -> Vec<Arc<Window>> {
        self.readers().windows.clone()
    }

    pub(super) fn leave(&self, reader: u64) {
        let mut readers = self.readers();
        readers.slots.remove(&reader);
        readers.expected.remove(&reader);
        readers.tidy();
    }

    /// What is wanted after a position, by those who are there or come by.
    pub(super) fn wanted(&self, own: &Arc<EventFilter>, after: Position) -> Vec<Arc<EventFilter>> {
        let readers = self.readers();
        let behind = readers.slots.values().filter(|slot| is_behind(slot.at, after)).map(|slot| &slot.filter);
        let expected = readers.expected.values().map(|announced| &announced.filter);
        let mut filters = vec![Arc::clone(own)];
        for filter in behind.chain(expected) {
            if !filters.contains(filter) {
                filters.push(Arc::clone(filter));
            }
        }
        filters
    }
}

/// Whether one who is at `at` is at a position, or soon comes by.
fn is_behind(at: Position, position: Position) -> bool {
    at <= position && position.since(at) <= REACH
}

impl Readers {
    /// Gives up windows that nobody comes by any more, and of the others what nobody needs.
    fn tidy(&mut self) {
        let Self { slots, expected, windows, .. } = self;
        let now = Instant::now();
        expected.retain(|_, announced| now <= announced.until);
        windows.retain(|window| {
            if window.is_closed() {
                return false;
            }
            // Whoever is expected may want any of it.
            if !expected.is_empty() {
                return true;
            }
            let mut chain = window.chain();
            let is_near = |at: &Position| *at <= chain.end && chain.start.since(*at) <= REACH;
            let slowest = slots.values().map(|slot| slot.at).filter(is_near).min();
            slowest.inspect(|slowest| chain.trim(*slowest)).is_some()
        });
    }
}

impl fmt::Debug for SharedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedLog").field(&self.log).finish()
    }
}
