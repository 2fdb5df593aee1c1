//! Brings loads together: a lone one goes at once, those that wait for others go as one statement.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use cqrs_core::{
    envelope::{CommandId, Position, StreamId},
    store::{Error, Load, Loaded, Snapshot},
};
use sqlx::postgres::{PgBindIterExt as _, PgRow};
use tokio::{sync::oneshot, time::timeout};

use super::{
    read::sort,
    reader::Reader,
    rows::{self, Events, Kind, wrong},
    statements::Statements,
};
use crate::database::{Failure, Session, Trouble, timed_out};

const DOING: &str = "loads a stream";

/// How many statements are under way at a time, before loads wait for each other.
const LANES: usize = 2;
/// The most loads in one statement.
const JOINED: usize = 64;
/// The most loads that wait. Far more than a server serves within the time that they have.
const WAITING: usize = 65_536;

/// What one load wants.
#[derive(Clone, Debug)]
struct Wanted {
    stream: StreamId,
    snapshot: Option<u64>,
    command: Option<CommandId>,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    answer: oneshot::Sender<Result<Loaded, Error>>,
}

#[derive(Clone, Debug)]
pub(super) struct Loader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    reader: Arc<Reader>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    lanes: usize,
}

impl Loader {
    pub(super) fn new(reader: Arc<Reader>) -> Self {
        Self { shared: Arc::new(Shared { reader, state: Mutex::default() }) }
    }

    pub(super) async fn load(&self, load: Load<'_>) -> Result<Loaded, Error> {
        let Load { stream, snapshot, command } = load;
        let wanted = Wanted { stream: stream.clone(), snapshot, command };
        let (answer, loaded) = oneshot::channel();
        self.shared.submit(Waiting { wanted, answer })?;
        let patience = self.shared.reader.timeout();
        // Also where it has not had its turn yet: those who no longer wait are left out.
        match timeout(patience, loaded).await {
            Ok(loaded) => loaded.unwrap_or(Err(Error::Closed)),
            Err(_) => Err(self.shared.failure(timed_out(patience)).into()),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, error: sqlx::Error) -> Failure {
        Failure::new(DOING, error).at(self.reader.database.place())
    }

    fn submit(self: &Arc<Self>, load: Waiting) -> Result<(), Error> {
        let mut state = self.state();
        if state.waiting.len() >= WAITING {
            return Err(Error::unavailable(DOING, format!("{WAITING} loads are waiting already")));
        }
        state.waiting.push_back(load);
        if state.lanes < LANES {
            state.lanes += 1;
            drop(state);
            self.start();
        }
        Ok(())
    }

    fn start(self: &Arc<Self>) {
        let lane = Lane { shared: Arc::clone(self), done: false };
        self.reader.database.runtime.spawn(lane.run());
    }

    /// What goes into the next statement; without any, there is a lane less.
    fn next(&self) -> Vec<Waiting> {
        let mut state = self.state();
        state.waiting.retain(|load| !load.answer.is_closed());
        let count = state.waiting.len().min(JOINED);
        if count == 0 {
            state.lanes -= 1;
        }
        state.waiting.drain(..count).collect()
    }
}

/// A task that loads, as long as there is something to load.
struct Lane {
    shared: Arc<Shared>,
    done: bool,
}

impl Lane {
    async fn run(mut self) {
        loop {
            let loads = self.shared.next();
            if loads.is_empty() {
                self.done = true;
                return;
            }
            self.load(loads).await;
        }
    }

    async fn load(&self, loads: Vec<Waiting>) {
        let wanted: Arc<[Wanted]> = loads.iter().map(|load| load.wanted.clone()).collect();
        match self.read(wanted).await {
            Ok(loaded) => loads.into_iter().zip(loaded).for_each(|(load, loaded)| load.answer(Ok(loaded))),
            // What is wrong with one is not to be the others' trouble.
            Err(error)
                if loads.len() > 1 && matches!(Trouble::of(&error), Trouble::Unfit | Trouble::Wrong) =>
            {
                for load in loads {
                    let loaded = self.read([load.wanted.clone()].into()).await;
                    let loaded = loaded.and_then(|mut loaded| loaded.pop().ok_or(sqlx::Error::RowNotFound));
                    load.answer(loaded.map_err(|error| self.shared.failure(error).into()));
                }
            }
            Err(error) => {
                let failure = self.shared.failure(error);
                for load in loads {
                    load.answer(Err((&failure).into()));
                }
            }
        }
    }

    async fn read(&self, wanted: Arc<[Wanted]>) -> sqlx::Result<Vec<Loaded>> {
        let Reader { database, statements } = &*self.shared.reader;
        let statements = Arc::clone(statements);
        database
            .connections
            .run(move |session| {
                let (statements, wanted) = (Arc::clone(&statements), Arc::clone(&wanted));
                Box::pin(async move { load(session, &statements, &wanted).await })
            })
            .await
    }
}

impl Waiting {
    fn answer(self, loaded: Result<Loaded, Error>) {
        // Who no longer waits needs no answer.
        drop(self.answer.send(loaded));
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if thread::panicking() {
            tracing::error!("loading has panicked");
            self.shared.start();
        } else {
            // The runtime has ended: those that wait are told by dropping them.
            mem::take(&mut self.shared.state().waiting);
        }
    }
}

/// Loads all in one statement.
async fn load(
    session: &mut Session,
    statements: &Statements,
    wanted: &[Wanted],
) -> sqlx::Result<Vec<Loaded>> {
    let with_commands = wanted.iter().any(|wanted| wanted.command.is_some());
    let sql = if with_commands { &statements.load_with_commands } else { &statements.load };
    let mut query = session
        .query(sql)
        .bind(wanted.iter().map(|wanted| wanted.stream.category()).bind_iter())
        .bind(wanted.iter().map(|wanted| wanted.stream.id()).bind_iter())
        .bind(wanted.iter().map(|wanted| wanted.snapshot.map(u64::cast_signed)).bind_iter());
    if with_commands {
        query = query.bind(wanted.iter().map(|wanted| wanted.command.map(|id| id.as_uuid())).bind_iter());
    }
    let mut loaded: Vec<Loaded> = wanted
        .iter()
        .map(|_| Loaded { snapshot: None, events: Vec::new(), head: Position::ZERO, command: None })
        .collect();
    let mut readers: Vec<_> = wanted.iter().map(|wanted| Events::of(&wanted.stream)).collect();
    let mut of_commands: Vec<_> = wanted.iter().map(|_| (Events::default(), Vec::new())).collect();
    let mut head = Position::ZERO;
    let take = |row: PgRow| {
        let (kind, load) = rows::tag(&row)?;
        if kind == Kind::Head {
            head = rows::position(&row)?;
            return Ok(());
        }
        let place = load.wrapping_sub(1);
        let (Some(wanted), Some(loaded)) = (wanted.get(place), loaded.get_mut(place)) else {
            return Err(wrong(0, format!("is of load {load}, of {}", wanted.len())));
        };
        match kind {
            Kind::Snapshot => {
                loaded.snapshot = Some(Snapshot {
                    stream: wanted.stream.clone(),
                    version: rows::version(&row)?,
                    last: rows::event_id(&row)?,
                    fingerprint: wanted.snapshot.unwrap_or_default(),
                    data: rows::data(&row)?,
                });
            }
            Kind::Command => loaded.command = wanted.command.map(|id| rows::command(&row, id)).transpose()?,
            Kind::EventOfCommand => {
                let (reader, events) = &mut of_commands[place];
                events.push(reader.read(&row)?);
            }
            Kind::Head | Kind::Bound => return Err(wrong(0, format!("is of no load: {kind:?}"))),
            Kind::Event => loaded.events.push(readers[place].read(&row)?),
        }
        Ok(())
    };
    session.each(query, take).await?;
    for (loaded, (_, mut of_command)) in loaded.iter_mut().zip(of_commands) {
        loaded.head = head;
        sort(&mut loaded.events);
        if let Some(command) = &mut loaded.command {
            sort(&mut of_command);
            command.events = of_command;
        }
    }
    Ok(loaded)
}
