//! Several projectors, some of which are dead or stand still.

use fastrand::Rng;
use rustix::process::Signal;

use super::Run;
use crate::{place::Place, service::Service, stores::Stores};

/// A place for a projector.
#[derive(Debug)]
enum Seat {
    Running(Service),
    /// By SIGSTOP.
    Paused(Service),
    Empty,
}

/// What is done to a projector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// By `kill -9`.
    Kill,
    /// By SIGTERM.
    Terminate,
    /// By SIGSTOP.
    Pause,
    /// By SIGCONT.
    Resume,
    Start,
}

impl Deed {
    /// Whether a projector is missing after it.
    pub(super) fn is_fault(self) -> bool {
        matches!(self, Self::Kill | Self::Terminate | Self::Pause)
    }
}

/// Projectors on the same stores, of which at least one runs at any time.
#[derive(Debug)]
pub(super) struct Team<'a> {
    place: &'a Place,
    may_pause: bool,
    seats: Vec<Seat>,
    /// How many have been started: each has a name of its own.
    started: usize,
}

impl<'a> Team<'a> {
    /// Starts so many projectors.
    ///
    /// A process that stands still in the middle of a write holds SQLite's one lock for everybody, so nobody is paused there.
    pub(super) fn start(place: &'a Place, stores: Stores, size: usize) -> Self {
        let mut team = Self { place, may_pause: stores != Stores::Sqlite, seats: Vec::new(), started: 0 };
        for _ in 0..size {
            let projector = team.new_projector();
            team.seats.push(Seat::Running(projector));
        }
        team
    }

    /// Leaves to chance what is done next, and to which of them; at least one goes on running.
    pub(super) fn choose(&self, rng: &mut Rng) -> (Deed, usize) {
        let running = self.seats.iter().filter(|seat| matches!(seat, Seat::Running(_))).count();
        let mut possible = Vec::new();
        for (nth, seat) in self.seats.iter().enumerate() {
            match seat {
                Seat::Running(_) if running > 1 => {
                    possible.extend([Deed::Kill, Deed::Kill, Deed::Terminate].map(|deed| (deed, nth)));
                    if self.may_pause {
                        possible.extend([(Deed::Pause, nth); 3]);
                    }
                }
                Seat::Running(_) => {}
                Seat::Paused(_) => {
                    possible.extend([(Deed::Resume, nth), (Deed::Resume, nth), (Deed::Kill, nth)]);
                }
                Seat::Empty => possible.extend([(Deed::Start, nth); 3]),
            }
        }
        possible[rng.usize(..possible.len())]
    }

    /// Brings all of them back.
    pub(super) fn gather(&mut self) {
        for nth in 0..self.seats.len() {
            match self.seats[nth] {
                Seat::Running(_) => {}
                Seat::Paused(_) => self.do_to(Deed::Resume, nth),
                Seat::Empty => self.do_to(Deed::Start, nth),
            }
        }
    }

    pub(super) fn do_to(&mut self, deed: Deed, nth: usize) {
        let seat = std::mem::replace(&mut self.seats[nth], Seat::Empty);
        self.seats[nth] = match (deed, seat) {
            (Deed::Kill, Seat::Running(projector) | Seat::Paused(projector)) => {
                projector.kill();
                Seat::Empty
            }
            (Deed::Terminate, Seat::Running(projector)) => {
                let exit = projector.terminate();
                assert!(exit.status.success(), "{exit:?}");
                Seat::Empty
            }
            (Deed::Pause, Seat::Running(projector)) => {
                projector.signal(Signal::STOP);
                Seat::Paused(projector)
            }
            (Deed::Resume, Seat::Paused(projector)) => {
                projector.signal(Signal::CONT);
                Seat::Running(projector)
            }
            (Deed::Start, Seat::Empty) => Seat::Running(self.new_projector()),
            (deed, seat) => unreachable!("{deed:?} of {seat:?}"),
        };
    }

    fn new_projector(&mut self) -> Service {
        self.started += 1;
        Run::projector(self.place, &format!("projector-{}", self.started))
    }
}
