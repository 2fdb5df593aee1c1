//! Brings batches of appends into the log, and finds out what became of those whose connection died.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::store::{AppendError, AppendOutcome};
use tokio::{
    runtime::Handle,
    time::{sleep_until, timeout_at},
};

use super::{
    answer,
    append::Reply,
    head::Head,
    job::Job,
    judge::{Verdict, judge},
    lone,
    past::Anchor,
    plan::Plan,
    reader::Reader,
    statements::Statements,
};
use crate::database::{Failure, Session, Trouble, timed_out};

const DOING: &str = "appends events";

/// Pauses after lost connections double from here, up to a limit.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Appends over one connection.
#[derive(Debug)]
pub(super) struct Writer {
    reader: Arc<Reader>,
    /// Tells of new events as soon as they are there.
    head: Head,
    session: Option<Session>,
    anchor: Anchor,
}

/// Appends that go into the log together, until each has its answer.
struct Batch {
    jobs: Vec<Job>,
    /// Look under the lock: after a call that was refused, or whose outcome is not known.
    careful: bool,
    pause: Duration,
}

impl Batch {
    fn new(jobs: Vec<Job>) -> Self {
        Self { jobs, careful: false, pause: FIRST_PAUSE }
    }

    fn careful(self) -> Self {
        Self { careful: true, ..self }
    }

    /// One for each append, so that each is told what is wrong with itself.
    fn apart(self) -> Vec<Self> {
        let alone = |job| Self { jobs: vec![job], careful: true, pause: self.pause };
        // The first comes last, as they are taken from the end.
        self.jobs.into_iter().rev().map(alone).collect()
    }

    fn drop_expired(&mut self, patience: Duration) {
        let now = Instant::now();
        self.jobs.retain(|job| !job.is_abandoned());
        let failure = Failure::new(DOING, timed_out(patience));
        self.jobs.extract_if(.., |job| job.deadline <= now).for_each(|job| job.fail(&failure));
    }

    /// Refuses what rests on another past. What may be in the log already is marked, as that is to be looked up first.
    fn refuse_outdated(&mut self, anchor: &Anchor) {
        for job in &mut self.jobs {
            job.outdated = !anchor.holds(job.append.past);
        }
        let outdated = self.jobs.extract_if(.., |job| job.outdated && !job.unknown);
        outdated.for_each(|job| job.answer(Err(AppendError::OtherPast)));
    }

    /// Answers what has an outcome, and keeps the rest. Several are answered by a task of its own, which comes to run while the
    /// server works on the next batch.
    fn answer(&mut self, outcomes: Vec<Option<Result<AppendOutcome, AppendError>>>, runtime: &Handle) {
        let jobs = mem::take(&mut self.jobs);
        let several = jobs.len() > 1;
        let mut answers = Vec::with_capacity(jobs.len());
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            match outcome {
                Some(outcome) => answers.push((job, outcome)),
                None => self.jobs.push(job),
            }
        }
        let tell = move || answers.into_iter().for_each(|(job, outcome)| job.answer(outcome));
        if several { drop(runtime.spawn(async move { tell() })) } else { tell() }
    }

    /// Lets those be told for which there is a verdict, and keeps the rest.
    fn decide(mut self, verdicts: Vec<Option<Verdict>>, reader: &Arc<Reader>) -> Vec<Self> {
        let decided = verdicts.iter().any(Option::is_some);
        let jobs = mem::take(&mut self.jobs);
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            match verdict {
                Some(verdict) => answer::tell(reader, job, verdict),
                None => self.jobs.push(job),
            }
        }
        // A careful look says something for good about one of them at least, unless it is their being together that
        // does not fit.
        if self.careful && !decided { self.apart() } else { vec![self.careful()] }
    }

    /// There is no connection: the time is up, or the server does not want one.
    fn not_connected(mut self, error: sqlx::Error) -> Vec<Self> {
        let failure = Failure::new(DOING, error);
        let now = Instant::now();
        if self.jobs.extract_if(.., |job| job.deadline <= now).map(|job| job.fail(&failure)).count() > 0 {
            return vec![self];
        }
        self.fail(&failure)
    }

    async fn failed(mut self, trouble: Trouble, error: sqlx::Error, deadline: Instant) -> Vec<Self> {
        match trouble {
            Trouble::Lost => {
                tracing::warn!(%error, appends = self.jobs.len(), "the connection that appends was lost");
                for job in &mut self.jobs {
                    job.unknown = true;
                }
                vec![self.careful().after_pause(deadline).await]
            }
            Trouble::Collision => vec![self.after_pause(deadline).await],
            Trouble::Duplicate if !self.careful => vec![self.careful()],
            // The server is in no state to append. What has been sent before may be in the log all the same.
            Trouble::Passing => {
                let failure = Failure::new(DOING, error);
                self.jobs.extract_if(.., |job| !job.unknown).for_each(|job| job.fail(&failure));
                vec![self.after_pause(deadline).await]
            }
            _ if self.jobs.len() > 1 => self.apart(),
            _ => self.fail(&Failure::new(DOING, error)),
        }
    }

    async fn after_pause(mut self, deadline: Instant) -> Self {
        sleep_until(deadline.min(Instant::now() + self.pause).into()).await;
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        self
    }

    fn fail(self, failure: &Failure) -> Vec<Self> {
        self.jobs.into_iter().for_each(|job| job.fail(failure));
        Vec::new()
    }
}

impl Writer {
    pub(super) fn new(reader: &Arc<Reader>, head: Head) -> Self {
        Self { reader: Arc::clone(reader), head, session: None, anchor: Anchor::new() }
    }

    /// Appends all, and answers each.
    pub(super) async fn run(&mut self, jobs: Vec<Job>) {
        let mut batches = vec![Batch::new(jobs)];
        while let Some(batch) = batches.pop() {
            batches.extend(self.round(batch).await);
        }
    }

    async fn send(&self, session: &mut Session, plan: &Plan<'_>, batch: &Batch) -> sqlx::Result<Reply> {
        let Batch { jobs, careful, .. } = batch;
        let Statements { append, append_one, .. } = &*self.reader.statements;
        if !careful && let Some(query) = lone::query(plan, session, append_one, jobs, &self.anchor) {
            return lone::reply(plan, &session.fetch(query).await?);
        }
        let query = plan.query(session, append, jobs, *careful, &self.anchor);
        plan.reply(&session.fetch(query).await?)
    }

    /// Sends a batch once. What is left of it comes back.
    async fn round(&mut self, mut batch: Batch) -> Vec<Batch> {
        let server = self.reader.database.connections.server();
        batch.drop_expired(server.timeout());
        batch.refuse_outdated(&self.anchor);
        let Some(deadline) = batch.jobs.iter().map(|job| job.deadline).min() else { return Vec::new() };
        let mut session = match self.session.take().filter(Session::is_fresh) {
            Some(session) => session,
            None => match server.connect(deadline).await {
                Ok(session) => session,
                Err(error) => return batch.not_connected(error),
            },
        };
        let plan = Plan::new(&batch.jobs, batch.careful);
        let reply = match timeout_at(deadline.into(), self.send(&mut session, &plan, &batch)).await {
            Ok(reply) => reply,
            Err(_) => Err(timed_out(server.timeout())),
        };
        match reply {
            Ok(Reply::Appended(entry)) => {
                self.session = Some(session);
                let head = entry.head.plus(plan.events.len() as u64);
                if let Some(id) = plan.last_event(&batch.jobs) {
                    self.anchor.put(entry.head, head, id);
                }
                self.head.tell(head);
                let outcomes = answer::outcomes(&plan, &batch.jobs, &entry, self.anchor.past());
                batch.answer(outcomes, &self.reader.database.runtime);
                vec![batch]
            }
            Ok(Reply::Doubt(facts)) => {
                self.session = Some(session);
                let verdicts = judge(&batch.jobs, &plan.places, &facts);
                batch.decide(verdicts, &self.reader)
            }
            Ok(Reply::Overtaken) => {
                self.session = Some(session);
                self.anchor.overtaken();
                vec![batch]
            }
            Ok(Reply::OtherPast) => {
                tracing::error!("the log was put back to an earlier state, or has lost its newest events");
                self.session = Some(session);
                self.anchor = Anchor::new();
                vec![batch]
            }
            Err(error) => {
                let trouble = Trouble::of(&error);
                if !matches!(trouble, Trouble::Lost | Trouble::Passing) {
                    self.session = Some(session);
                }
                batch.failed(trouble, error, deadline).await
            }
        }
    }
}
