use std::time::Duration;

use cqrs_core::{
    envelope::{CommandId, EventId, Position},
    store::{AppendError, AppendOutcome},
};
use rusqlite::Connection;
use tokio::sync::watch;

use super::{
    append::{Batch, Stop, is_event_known},
    job::Job,
    rows,
};
use crate::file::{Failure, Transaction, is_busy};

const DOING: &str = "appends events";

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    /// Tells of new events as soon as they are there.
    head: watch::Sender<Position>,
}

/// What became of a job, as soon as the transaction is durable.
enum Outcome {
    Append(Result<AppendOutcome, AppendError>),
    Snapshot,
}

/// Another process writes.
pub(super) struct Busy(pub(super) Vec<Job>);

impl Writer {
    pub(super) fn new(connection: Connection, head: watch::Sender<Position>) -> Self {
        Self { connection, head }
    }

    /// Does all jobs in one transaction, and answers each. Without patience, jobs that another process keeps waiting
    /// come back untouched.
    pub(super) fn run(&self, mut jobs: Vec<Job>, patience: Duration) -> Result<(), Busy> {
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return Ok(());
        }
        let transaction = match Transaction::immediate(&self.connection, patience) {
            Ok(transaction) => transaction,
            Err(error) if patience.is_zero() && is_busy(&error) => return Err(Busy(jobs)),
            Err(error) => {
                fail(jobs, &Failure::new(DOING, error));
                return Ok(());
            }
        };
        let (head, outcomes) = match self.apply(&jobs) {
            Ok(applied) => applied,
            Err(error) => {
                drop(transaction);
                fail(jobs, &Failure::new(DOING, error));
                return Ok(());
            }
        };
        let mark = Mark::of(&jobs, &outcomes);
        if let Err(error) = transaction.commit() {
            // The transaction is rolled back now, unless it was committed in spite of the error.
            let failure = Failure::new(DOING, error);
            match mark.is_known(&self.connection) {
                Ok(true) => {}
                Ok(false) => {
                    fail(jobs, &failure);
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!(%error, "can't find out whether a failed commit has happened");
                    for job in jobs {
                        job.lose(&failure);
                    }
                    return Ok(());
                }
            }
        }
        self.head.send_if_modified(|known| {
            let news = *known < head;
            *known = head.max(*known);
            news
        });
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Who no longer waits needs no answer.
            match (job, outcome) {
                (Job::Append(_, answer), Outcome::Append(outcome)) => drop(answer.send(outcome)),
                (Job::SaveSnapshot(_, answer) | Job::DropSnapshots(_, answer), _) => {
                    drop(answer.send(Ok(())));
                }
                (Job::Append(..), Outcome::Snapshot) => unreachable!("each job has its own outcome"),
            }
        }
        Ok(())
    }

    fn apply(&self, jobs: &[Job]) -> rusqlite::Result<(Position, Vec<Outcome>)> {
        let mut batch = Batch::begin(&self.connection)?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            outcomes.push(match job {
                Job::Append(append, _) => match batch.append(append) {
                    Ok(outcome) => Outcome::Append(Ok(outcome)),
                    Err(Stop::Refused(refused)) => Outcome::Append(Err(refused)),
                    Err(Stop::Failed(error)) => return Err(error),
                },
                Job::SaveSnapshot(snapshot, _) => {
                    batch.save_snapshot(snapshot)?;
                    Outcome::Snapshot
                }
                Job::DropSnapshots(category, _) => {
                    batch.drop_snapshots(category)?;
                    Outcome::Snapshot
                }
            });
        }
        Ok((batch.head(), outcomes))
    }
}

fn fail(jobs: Vec<Job>, failure: &Failure) {
    for job in jobs {
        job.fail(failure);
    }
}

/// What is in the log just if a transaction has been committed.
enum Mark {
    Event(EventId),
    Command(CommandId),
    Nothing,
}

impl Mark {
    fn of(jobs: &[Job], outcomes: &[Outcome]) -> Self {
        for (job, outcome) in jobs.iter().zip(outcomes) {
            if let (Job::Append(append, _), Outcome::Append(Ok(AppendOutcome::Appended(_)))) = (job, outcome)
            {
                if let Some(event) = append.events.first() {
                    return Self::Event(event.event_id);
                }
                if let Some(command) = &append.command {
                    return Self::Command(command.id);
                }
            }
        }
        Self::Nothing
    }

    fn is_known(&self, connection: &Connection) -> rusqlite::Result<bool> {
        match self {
            Self::Event(id) => is_event_known(connection, *id),
            Self::Command(id) => rows::command(connection, *id).map(|command| command.is_some()),
            Self::Nothing => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use cqrs_core::{
        domain::SchemaVersion,
        envelope::{Json, Metadata, StreamId},
        store::{Append, NewEvent, Past, Snapshot},
    };
    use jiff::Timestamp;
    use tokio::sync::oneshot::{self, Receiver};

    use super::*;
    use crate::{
        file::{Database, Settings, Synchronous},
        log::{EventStoreOptions, job::Checked, statements},
    };

    static FAILS: AtomicBool = AtomicBool::new(true);

    fn append() -> (Job, Receiver<Result<AppendOutcome, AppendError>>) {
        let stream = StreamId::new("order", "1").expect("a name");
        let event = NewEvent {
            event_id: EventId::generate(),
            stream,
            name: "placed".into(),
            schema_version: SchemaVersion::FIRST,
            data: Json::of(&1).expect("a number"),
        };
        let metadata = Metadata::of_command(CommandId::generate(), Timestamp::now());
        let append = Append {
            conditions: Vec::new(),
            past: Past::UNKNOWN,
            events: vec![event],
            metadata,
            command: None,
        };
        let checked = Checked::new(append, &EventStoreOptions::default().limits).expect("within limits");
        let (answer, outcome) = oneshot::channel();
        (Job::Append(checked, answer), outcome)
    }

    #[test]
    fn a_commit_that_fails_is_answered_to_all_and_leaves_nothing() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("log.db");
        let (_, connection) =
            Database::open(&path, Settings::new(Synchronous::Full), &statements::FORMAT).expect("a new file");
        connection.commit_hook(Some(|| FAILS.load(Relaxed))).expect("a connection of one's own");
        let writer = Writer::new(connection, watch::Sender::new(Position::ZERO));

        let (first, mut first_outcome) = append();
        let (second, mut second_outcome) = append();
        let (saved, mut saved_outcome) = oneshot::channel();
        let snapshot = Snapshot {
            stream: StreamId::new("order", "1").expect("a name"),
            version: cqrs_core::envelope::Version::new(1),
            last: EventId::generate(),
            fingerprint: 1,
            data: Json::of(&1).expect("a number"),
        };
        assert!(writer.run(vec![first, Job::SaveSnapshot(snapshot, saved), second], Duration::ZERO).is_ok());
        for outcome in [&mut first_outcome, &mut second_outcome] {
            let error = outcome.try_recv().expect("an answer").expect_err("the commit fails");
            assert!(matches!(error, AppendError::Store(_)), "{error:?}");
        }
        assert!(saved_outcome.try_recv().expect("an answer").is_err());
        assert_eq!(*writer.head.borrow(), Position::ZERO);

        FAILS.store(false, Relaxed);
        let (third, mut outcome) = append();
        assert!(writer.run(vec![third], Duration::ZERO).is_ok());
        let outcome = outcome.try_recv().expect("an answer").expect("the commit works");
        assert!(
            matches!(outcome, AppendOutcome::Appended(appended) if appended.position == Position::new(1))
        );
        assert_eq!(*writer.head.borrow(), Position::new(1));
    }
}
