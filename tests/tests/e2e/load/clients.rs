//! Many clients at once.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use fastrand::Rng;

use super::{client::Orders, told::Told};
use crate::deadline::{DEADLINE, eventually};

/// Where the service is that takes the commands.
#[derive(Debug)]
enum Where {
    At(String),
    /// It was killed, and will be back.
    Away,
    /// Some thread has failed: there is nothing to wait for.
    Over,
}

/// What the threads know of each other.
#[derive(Debug)]
pub(crate) struct Clients {
    place: Mutex<Where>,
    moved: Condvar,
    /// The number of the next order.
    next: AtomicUsize,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    stop: AtomicBool,
}

impl Clients {
    /// Lets so many clients place orders, at the service that they are [told of](Self::go_to), until `meanwhile` has
    /// ended.
    pub(crate) fn run<R>(count: usize, rng: &mut Rng, meanwhile: impl FnOnce(&Self) -> R) -> (Vec<Told>, R) {
        let clients = Self {
            place: Mutex::new(Where::Away),
            moved: Condvar::new(),
            next: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        };
        let shared = &clients;
        thread::scope(|scope| {
            let running: Vec<_> = (0..count)
                .map(|_| {
                    let rng = rng.fork();
                    scope.spawn(move || {
                        let _together = EndsTogether(shared);
                        let mut orders = Orders::new(shared, rng);
                        while !shared.stop.load(Ordering::Relaxed) {
                            orders.order(shared.next.fetch_add(1, Ordering::Relaxed));
                        }
                        orders.told
                    })
                })
                .collect();
            let _together = EndsTogether(shared);
            let result = meanwhile(shared);
            shared.stop.store(true, Ordering::Relaxed);
            let told =
                running.into_iter().flat_map(|client| client.join().expect("it has not failed")).collect();
            (told, result)
        })
    }

    /// The service takes commands here.
    pub(crate) fn go_to(&self, url: &str) {
        self.set(Where::At(url.to_owned()));
    }

    /// The service is away, and clients wait.
    pub(crate) fn wait(&self) {
        self.set(Where::Away);
    }

    /// How many orders were placed.
    pub(crate) fn acknowledged(&self) -> usize {
        let over = matches!(*self.place.lock().unwrap_or_else(PoisonError::into_inner), Where::Over);
        assert!(!over, "another thread has failed");
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many commands were refused because the write store was away.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until so many more orders are placed.
    #[track_caller]
    pub(crate) fn until_placed(&self, more: usize) {
        let moment = self.acknowledged() + more;
        eventually("orders are placed", || (self.acknowledged() >= moment).then_some(()));
    }

    /// Waits until so many more commands are refused.
    #[track_caller]
    pub(crate) fn until_refused(&self, more: usize) {
        let moment = self.refused() + more;
        eventually("commands are refused", || (self.refused() >= moment).then_some(()));
    }

    pub(super) fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Where the service is; waits until it is back.
    pub(super) fn url(&self) -> String {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let away = |place: &mut Where| matches!(place, Where::Away);
        let (place, _) =
            self.moved.wait_timeout_while(place, DEADLINE, away).unwrap_or_else(PoisonError::into_inner);
        let found = match &*place {
            Where::At(url) => Ok(url.clone()),
            Where::Away => Err("the service did not come back"),
            Where::Over => Err("another thread has failed"),
        };
        drop(place);
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    fn set(&self, place: Where) {
        let mut known = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*known, Where::Over) {
            *known = place;
        }
        self.moved.notify_all();
    }
}

/// Ends the other threads when its own one fails.
struct EndsTogether<'a>(&'a Clients);

impl Drop for EndsTogether<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.store(true, Ordering::Relaxed);
            self.0.set(Where::Over);
        }
    }
}
