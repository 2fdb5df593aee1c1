use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use cqrs_core::{metrics::AppendMeter, store::Error};

use super::{
    job::Job,
    writer::{Busy, Writer},
};
use crate::file::{Pace, lock};

/// The most jobs in one transaction: beyond a hundred, more gain nothing but delay.
const BATCH: usize = 256;

/// Brings jobs to the writer, one transaction for all that wait.
///
/// A caller that finds nobody else runs its job itself, where commits are quick. All else is done by one thread: who
/// arrives while a commit runs goes into the next one. So no caller works for others, and none that stops waiting,
/// or is never polled again, holds anybody up.
#[derive(Debug)]
pub(super) struct Queue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    writer: Mutex<Writer>,
    state: Mutex<State>,
    wake: Condvar,
    pace: Pace,
    limit: usize,
    patience: Duration,
    meter: AppendMeter,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Job>,
    /// Somebody runs jobs.
    working: bool,
    /// Callers come one at a time, as far as is known.
    calm: bool,
    closing: bool,
}

/// What became of a job at once. Its outcome is told by its own channel.
pub(super) enum Submitted {
    /// It was run on the caller's thread, which it has blocked for a moment.
    InPlace,
    Queued,
    /// Too many wait already.
    Refused {
        limit: usize,
    },
}

impl Queue {
    pub(super) fn new(writer: Writer, limit: usize, patience: Duration) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            writer: Mutex::new(writer),
            state: Mutex::new(State { calm: true, ..State::default() }),
            wake: Condvar::new(),
            pace: Pace::default(),
            limit,
            patience,
            meter: AppendMeter::of("sqlite"),
        });
        let worker = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("cqrs-sqlite-append".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| Error::unavailable("starts the thread that appends", error))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Runs a job, or leaves it to the thread.
    pub(super) fn submit(&self, job: Job) -> Submitted {
        let shared = &*self.shared;
        let mut state = lock(&shared.state);
        if !state.working && state.waiting.is_empty() && state.calm && shared.pace.is_quick() {
            state.working = true;
            drop(state);
            let turn = Turn { shared };
            let jobs = shared.run_batch(vec![job], Duration::ZERO);
            if let Err(Busy(jobs)) = jobs {
                let mut state = lock(&shared.state);
                state.calm = false;
                state.waiting.splice(0..0, jobs);
            }
            drop(turn);
            return Submitted::InPlace;
        }
        if state.waiting.len() >= shared.limit {
            return Submitted::Refused { limit: shared.limit };
        }
        state.waiting.push(job);
        shared.meter.waiting(state.waiting.len());
        if !state.working {
            shared.wake.notify_one();
        }
        Submitted::Queued
    }
}

impl Shared {
    fn run(&self) {
        while let Some(jobs) = self.next() {
            let _turn = Turn { shared: self };
            // The thread outlives a panic: what was being done is answered by dropping it, the rest goes on.
            let run = || self.run_batch(jobs, self.patience);
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
                tracing::error!("appending has panicked");
            }
        }
    }

    /// Runs jobs in one transaction, and measures it where appends are among them.
    fn run_batch(&self, jobs: Vec<Job>, patience: Duration) -> Result<(), Busy> {
        let appends = jobs.iter().filter(|job| matches!(job, Job::Append(..))).count();
        let started = Instant::now();
        let run = self.pace.time(|| lock(&self.writer).run(jobs, patience));
        if appends > 0 && run.is_ok() {
            self.meter.batch(appends, started.elapsed());
        }
        run
    }

    /// Waits for jobs; `None` where there will be no more.
    fn next(&self) -> Option<Vec<Job>> {
        let mut state = self
            .wake
            .wait_while(lock(&self.state), |state| {
                state.working || (state.waiting.is_empty() && !state.closing)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.waiting.is_empty() {
            return None;
        }
        let count = state.waiting.len().min(BATCH);
        let jobs: Vec<Job> = state.waiting.drain(..count).collect();
        self.meter.waiting(state.waiting.len());
        state.calm = jobs.len() == 1;
        state.working = true;
        Some(jobs)
    }
}

/// The right to run jobs, which goes on to the thread where others have arrived meanwhile.
struct Turn<'a> {
    shared: &'a Shared,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.working = false;
        if !state.waiting.is_empty() {
            state.calm = false;
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        lock(&self.shared.state).closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that appends has panicked");
        }
    }
}
