use std::time::Duration;

use uuid::Uuid;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One way to execute the workload's commands.
pub trait Contender: Send + Sync + Sized + 'static {
    /// What it is called in tables and plots.
    const NAME: &'static str;

    /// A query that counts what was written: one row for each order, with the number of its events, the lowest and
    /// the highest version, from 1.
    const CHECK: &'static str;

    /// Makes tables in the empty database at `place`, and opens what so many tasks need.
    fn setup(place: &str, tasks: usize) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Executes the command with this number of an order, from 0: loads, decides, appends one event.
    fn command(&self, order: Uuid, number: u32) -> impl Future<Output = Result<(), Failure>> + Send;

    /// How many commands met a conflict and were executed again. No two tasks share an order, so each was in vain.
    fn retries(&self) -> u64 {
        0
    }

    /// Gives connections back.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// One way to load an order with many events.
pub trait Loads: Send + Sync + Sized + 'static {
    const NAME: &'static str;

    /// Whether it has snapshots.
    const SNAPSHOTS: bool = true;

    /// Writes one order with so many events into the empty database at `place`; with a snapshot of the last one, where
    /// `snapshot` says so.
    fn setup(place: &str, events: u32, snapshot: bool) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Loads it, and says how many events were folded into it, by whomever.
    fn load(&self) -> impl Future<Output = Result<u32, Failure>> + Send;

    fn close(self) -> impl Future<Output = ()> + Send;
}

/// One way to project a backlog into one row or document for each order.
pub trait Projects: Send + Sync + Sized + 'static {
    const NAME: &'static str;

    /// A query that counts what was projected: orders, and the lines of all.
    const CHECK: &'static str;

    /// How many events are enough for the clock.
    const BACKLOG: u32;

    /// Writes so many events into the empty database at `place`.
    fn setup(place: &str, layout: Layout, events: u32) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Projects them all, and says how long it took.
    fn project(&self, events: u32) -> impl Future<Output = Result<Duration, Failure>> + Send;

    fn close(self) -> impl Future<Output = ()> + Send;
}

/// How the events of one order lie in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One event an order.
    Scattered,
    /// Five of each order behind each other.
    Folded,
}

impl Layout {
    pub const ALL: [Self; 2] = [Self::Scattered, Self::Folded];

    pub const fn events_an_order(self) -> u32 {
        match self {
            Self::Scattered => 1,
            Self::Folded => 5,
        }
    }

    /// How many orders so many events belong to.
    pub const fn orders(self, events: u32) -> u32 {
        events.div_ceil(self.events_an_order())
    }

    /// The events of a backlog in the order of the log: the order's number, and the number of the line in it.
    pub fn events(self, events: u32) -> impl Iterator<Item = (u32, u32)> {
        (0..events).map(move |number| (number / self.events_an_order(), number % self.events_an_order()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_backlog_has_five_events_an_order_behind_each_other() {
        assert_eq!(
            Layout::Folded.events(6).collect::<Vec<_>>(),
            [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0)]
        );
        assert_eq!(Layout::Folded.orders(6), 2);
    }

    #[test]
    fn a_scattered_backlog_has_one_event_an_order() {
        assert_eq!(Layout::Scattered.events(3).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(Layout::Scattered.orders(3), 3);
    }
}
