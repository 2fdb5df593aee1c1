//! One command on each of the limits.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, error::SqlState};

use super::{
    append::{Appender, How, Row},
    connect::{Connection, Pool},
    group::Group,
    lag::listen,
    load::Loader,
};
use crate::{
    Failure,
    domain::{LineAdded, Tally},
};

/// How a limit executes a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RawKind {
    /// A bare `INSERT` that commits by itself; nothing is loaded.
    Bare,
    /// `BEGIN`, select, insert, `COMMIT`.
    Transaction,
    /// What waits is appended at once; nothing is loaded.
    Grouped,
    /// Grouped, with a notification of each commit, which somebody hears.
    GroupedAndTold,
    /// Grouped, and each command loads its stream.
    GroupedAndLoaded,
    /// Grouped, and loads that wait are joined too.
    GroupedAndJoined,
    /// Grouped, and the state is kept in memory.
    GroupedAndKept,
}

/// Two, so that one batch is sent while the other one is committed.
const APPENDERS: usize = 2;
const LOADERS: usize = 4;

/// One process with one of the limits.
pub(crate) struct Raw {
    kind: RawKind,
    /// Statements of several tasks share a connection, one behind the other.
    shared: Vec<Connection>,
    /// For transactions.
    pool: Pool,
    /// For what gets in the way of a transaction, which must not wait for the connection that the transaction has.
    rivals: Pool,
    appends: Arc<Group<Appender>>,
    loads: Arc<Group<Loader>>,
    /// Hears of appends for as long as it is here.
    #[expect(dead_code, reason = "it is enough that it is open")]
    listener: Option<Client>,
    kept: Mutex<HashMap<String, Tally>>,
}

impl Raw {
    pub(crate) async fn open(
        kind: RawKind,
        url: &str,
        connections: usize,
        contested: bool,
    ) -> Result<Self, Failure> {
        let open =
            async |wanted: bool, count: usize| Connection::many(url, if wanted { count } else { 0 }).await;
        let grouped = !matches!(kind, RawKind::Bare | RawKind::Transaction);
        let how = match kind {
            RawKind::GroupedAndTold => How::Told,
            _ if contested => How::Checked,
            _ => How::Plain,
        };
        let loads = matches!(kind, RawKind::GroupedAndJoined | RawKind::GroupedAndKept);
        let alone = matches!(kind, RawKind::Bare | RawKind::GroupedAndLoaded);
        Ok(Self {
            kind,
            shared: open(alone, connections).await?,
            pool: Pool::new(open(kind == RawKind::Transaction, connections).await?),
            rivals: Pool::new(
                open(kind == RawKind::Transaction && contested, connections.div_ceil(4)).await?,
            ),
            appends: Group::new(Appender::new(open(grouped, APPENDERS).await?, how), APPENDERS),
            listener: if how == How::Told { Some(listen(url, "appended").await?.0) } else { None },
            loads: Group::new(Loader::new(open(loads, LOADERS).await?), LOADERS),
            kept: Mutex::default(),
        })
    }

    /// Executes the command that adds the `number`th line, and tells how many conflicts it met. Where it is
    /// contested, another command gets in between its load and its append.
    pub(crate) async fn command(
        &self,
        task: usize,
        stream: &str,
        number: u64,
        mut contested: bool,
    ) -> Result<u64, Failure> {
        let mut conflicts = 0;
        while !self.attempt(task, stream, number, std::mem::take(&mut contested)).await? {
            conflicts += 1;
        }
        Ok(conflicts)
    }

    /// False: a conflict.
    async fn attempt(
        &self,
        task: usize,
        stream: &str,
        number: u64,
        contested: bool,
    ) -> Result<bool, Failure> {
        let before = match self.kind {
            RawKind::Bare => {
                let connection = &self.shared[task % self.shared.len()];
                connection.add(stream, Tally::of_lines(number), number).await?;
                return Ok(true);
            }
            RawKind::Transaction => return self.transact(stream, number, contested).await,
            RawKind::Grouped | RawKind::GroupedAndTold => Tally::of_lines(number),
            RawKind::GroupedAndLoaded => self.shared[task % self.shared.len()].tally(stream).await?,
            RawKind::GroupedAndJoined => self.loads.ask(stream.to_owned()).await?,
            RawKind::GroupedAndKept if number == 0 => Tally::default(),
            RawKind::GroupedAndKept => {
                let kept = self.kept().remove(stream);
                match kept {
                    Some(tally) => tally,
                    None => self.loads.ask(stream.to_owned()).await?,
                }
            }
        };
        if contested {
            let current = self.loads.ask(stream.to_owned()).await?;
            if self.append(stream, current, number).await?.is_none() {
                return Err("what gets in the way has met a conflict itself".into());
            }
        }
        let after = self.append(stream, before, number).await?;
        if let Some(after) = after
            && self.kind == RawKind::GroupedAndKept
        {
            self.kept().insert(stream.to_owned(), after);
        }
        Ok(after.is_some())
    }

    /// What the stream is after the append; `None`: a conflict.
    async fn append(&self, stream: &str, mut tally: Tally, number: u64) -> Result<Option<Tally>, Failure> {
        let line = LineAdded::sample(number);
        tally.add(&line);
        let version = i64::try_from(tally.lines)?;
        let row = Row { stream: stream.to_owned(), version, data: serde_json::to_string(&line)? };
        Ok(self.appends.ask(row).await?.then_some(tally))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Tally>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn transact(&self, stream: &str, number: u64, contested: bool) -> Result<bool, Failure> {
        let connection = self.pool.lend().await?;
        connection.batch_execute("BEGIN").await?;
        let before = connection.tally(stream).await?;
        if contested {
            let rival = self.rivals.lend().await?;
            rival.batch_execute("BEGIN").await?;
            let before = rival.tally(stream).await?;
            rival.add(stream, before, number).await?;
            rival.batch_execute("COMMIT").await?;
        }
        match connection.add(stream, before, number).await {
            Ok(()) => {
                connection.batch_execute("COMMIT").await?;
                Ok(true)
            }
            Err(error) if is_conflict(&error) => {
                connection.batch_execute("ROLLBACK").await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_conflict(error: &Failure) -> bool {
    error
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(tokio_postgres::Error::code)
        .is_some_and(|code| *code == SqlState::UNIQUE_VIOLATION)
}
