//! Brings appends together: whoever waits while a batch is on its way goes into the next one.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use cqrs_core::{
    metrics::AppendMeter,
    store::{AppendError, AppendOutcome, Error},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    batch::Writer,
    head::Head,
    job::{Checked, Job},
    reader::Reader,
};

/// The most appends in one batch: beyond a hundred, more gain nothing but delay.
const BATCH: usize = 256;
/// A batch of fewer waits for more, if only for as long as the runtime's other tasks take.
const FEW: usize = 24;
/// The most bytes in one batch, unless one append alone has more.
const BATCH_BYTES: usize = 8 << 20;

#[derive(Debug)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    reader: Arc<Reader>,
    head: Head,
    limit: usize,
    meter: AppendMeter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    /// A task appends.
    working: bool,
    /// Whoever appended last, while no task does.
    writer: Option<Writer>,
}

impl Queue {
    pub(super) fn new(reader: Arc<Reader>, head: Head, limit: usize) -> Self {
        let meter = AppendMeter::of("postgresql");
        Self { shared: Arc::new(Shared { reader, head, limit, meter, state: Mutex::default() }) }
    }

    /// Appends on a task of its own, so that it makes no difference whether the caller goes on waiting.
    pub(super) async fn append(&self, append: Checked) -> Result<AppendOutcome, AppendError> {
        let (answer, outcome) = oneshot::channel();
        let deadline = (Instant::now() + self.shared.reader.timeout()).into_std();
        self.shared.submit(Job { append, answer, deadline, unknown: false, outdated: false })?;
        outcome.await.unwrap_or_else(|error| Err(AppendError::OutcomeUnknown { source: error.into() }))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, job: Job) -> Result<(), AppendError> {
        let mut state = self.state();
        if state.waiting.len() >= self.limit {
            return Err(AppendError::Busy { limit: self.limit });
        }
        state.waiting.push_back(job);
        self.meter.waiting(state.waiting.len());
        if !mem::replace(&mut state.working, true) {
            drop(state);
            self.start();
        }
        Ok(())
    }

    fn start(self: &Arc<Self>) {
        let turn = Turn { shared: Arc::clone(self), done: false };
        self.reader.database.runtime.spawn(turn.work());
    }

    /// Lets those whose appends were just answered come in with their next ones, where the next batch would be small: what
    /// a batch costs depends on its size only a little.
    async fn gather(&self) {
        // Once for those who were woken, and once for those whom other threads have taken over.
        for _ in 0..2 {
            if self.state().waiting.len() >= FEW {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The next batch; without one, the writer waits for the next turn.
    fn next(&self, writer: &mut Option<Writer>) -> Vec<Job> {
        let mut state = self.state();
        let mut bytes = 0;
        let count = state
            .waiting
            .iter()
            .take(BATCH)
            .take_while(|job| {
                let first = bytes == 0;
                bytes += job.append.bytes().max(1);
                first || bytes <= BATCH_BYTES
            })
            .count();
        if count == 0 {
            state.working = false;
            state.writer = writer.take();
        }
        let jobs = state.waiting.drain(..count).collect();
        if count > 0 {
            self.meter.waiting(state.waiting.len());
        }
        jobs
    }
}

/// The task that appends, as long as there is something to append.
struct Turn {
    shared: Arc<Shared>,
    done: bool,
}

impl Turn {
    async fn work(mut self) {
        let mut writer = self.shared.state().writer.take();
        loop {
            let jobs = self.shared.next(&mut writer);
            if jobs.is_empty() {
                self.done = true;
                return;
            }
            let (appends, started) = (jobs.len(), Instant::now());
            let writer =
                writer.get_or_insert_with(|| Writer::new(&self.shared.reader, self.shared.head.clone()));
            writer.run(jobs).await;
            self.shared.meter.batch(appends, started.elapsed());
            if appends > 1 {
                self.shared.gather().await;
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if thread::panicking() {
            // Those of the batch are told by dropping it; the others are for a new task.
            tracing::error!("appending has panicked");
            self.shared.start();
            return;
        }
        // The runtime has ended, and nothing will be appended any more.
        for job in mem::take(&mut self.shared.state().waiting) {
            job.fail(Error::Closed);
        }
        self.shared.meter.waiting(0);
    }
}
