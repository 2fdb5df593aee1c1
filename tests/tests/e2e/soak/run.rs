//! How long a run goes on, and what it says meanwhile.

use std::{
    env,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::{binary, chance, place::Place, service::Service};

/// How long each scenario goes on, in minutes; a cut of it where this is not set.
const MINUTES: &str = "SOAK_MINUTES";
/// How many commands a second are offered.
const RATE: &str = "SOAK_RATE";
/// Into how many partitions the projections are divided, as the order service reads it; 64 where this is not set.
const PARTITIONS: &str = "ORDER_SERVICE_PARTITIONS";

const RATE_OF_CUT: u32 = 200;
const RATE_OF_WHOLE: u32 = 500;

/// How often a run says how it gets on.
const EVERY: Duration = Duration::from_secs(1);

/// A run of a scenario. It tells its seed when it begins, and again when it fails.
#[derive(Debug)]
pub(super) struct Run {
    scenario: &'static str,
    seed: u64,
    whole: Option<Duration>,
    cut: Duration,
    started: Instant,
    told: Mutex<Option<Instant>>,
}

impl Run {
    /// A cut of it goes on for so long, without what comes before and after.
    pub(super) fn begin(scenario: &'static str, cut: Duration) -> Self {
        let whole = number(MINUTES).map(|minutes: f64| Duration::from_secs_f64(minutes * 60.0));
        let seed = chance::seed();
        // It may have to be built, which is no part of the run.
        binary::order_service();
        Self { scenario, seed, whole, cut, started: Instant::now(), told: Mutex::new(None) }
    }

    /// The chances of this run.
    pub(super) fn chances(&self) -> Rng {
        Rng::with_seed(self.seed)
    }

    /// What there is much of in a whole run, and less in a cut.
    pub(super) fn of<T>(&self, whole: T, cut: T) -> T {
        if self.whole.is_some() { whole } else { cut }
    }

    /// How many commands a second are offered. A machine that takes fewer is not at fault.
    pub(super) fn rate(&self) -> u32 {
        number(RATE).unwrap_or_else(|| self.of(RATE_OF_WHOLE, RATE_OF_CUT))
    }

    /// Starts a projector that `PostgreSQL` knows by this name.
    #[track_caller]
    pub(super) fn projector(place: &Place, name: &str) -> Service {
        place.start_named("projector", name, &[(PARTITIONS, &Self::partitions().to_string())])
    }

    /// Into how many partitions the projections are divided.
    pub(super) fn partitions() -> u64 {
        number(PARTITIONS).unwrap_or(64)
    }

    fn length(&self) -> Duration {
        self.whole.unwrap_or(self.cut)
    }

    /// The time has come to look at the result.
    pub(super) fn is_over(&self) -> bool {
        self.started.elapsed() >= self.length()
    }

    /// Says how it gets on, once in a while: a line of at most 80 columns.
    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= EVERY) {
            *told = Some(Instant::now());
            let [is, ends] = [self.started.elapsed(), self.length()]
                .map(|time| format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60));
            println!("soak {} {is}/{ends} {}", self.scenario, what());
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "{} failed after {:?} with the seed {}",
                self.scenario,
                self.started.elapsed(),
                self.seed
            );
        }
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
