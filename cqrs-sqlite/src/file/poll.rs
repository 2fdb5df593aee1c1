use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

use super::{Database, lock};

/// What may have changed in the file by another process's hand.
pub(crate) trait Watched: Send + Sync + 'static {
    /// Somebody wants to know.
    fn is_watched(&self) -> bool;

    /// Reads what is watched, and tells.
    fn refresh(&self, connection: &Connection) -> rusqlite::Result<()>;
}

/// Looks, in short intervals, whether the file has changed: on one thread, which runs as long as somebody wants to
/// know. SQLite tells other processes nothing by itself; a look costs a few microseconds.
#[derive(Debug)]
pub(crate) struct Poller<W> {
    shared: Arc<Shared<W>>,
}

#[derive(Debug)]
struct Shared<W> {
    database: Arc<Database>,
    watched: Arc<W>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    thread: Option<JoinHandle<()>>,
    running: bool,
    /// Read at once, whether the file has changed or not: there is a new watcher.
    asked: bool,
    stopping: bool,
}

impl<W: Watched> Poller<W> {
    pub(crate) fn new(database: Arc<Database>, watched: Arc<W>) -> Self {
        let (state, wake) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { database, watched, state, wake }) }
    }

    /// There is a new watcher.
    pub(crate) fn start(&self) {
        let mut state = lock(&self.shared.state);
        state.asked = true;
        if state.running {
            self.shared.wake.notify_one();
            return;
        }
        let shared = Arc::clone(&self.shared);
        match thread::Builder::new().name("cqrs-sqlite-poll".to_owned()).spawn(move || shared.run()) {
            Ok(thread) => {
                state.running = true;
                state.thread = Some(thread);
            }
            Err(error) => tracing::error!(%error, "no thread to watch for the changes of other processes"),
        }
    }
}

impl<W: Watched> Shared<W> {
    fn run(&self) {
        let mut view = None;
        let mut failing = false;
        while let Some(asked) = self.next() {
            match self.look(&mut view, asked) {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, path = %self.database.path.display(), "can't watch for changes");
                    }
                    failing = true;
                    view = None;
                }
            }
        }
    }

    /// Waits for the next look; `None` where nobody is interested any more.
    fn next(&self) -> Option<bool> {
        let state = lock(&self.state);
        let interval = self.database.settings.poll_interval;
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, interval, |state| !state.asked && !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopping || !self.watched.is_watched() {
            state.running = false;
            return None;
        }
        Some(std::mem::take(&mut state.asked))
    }

    fn look(&self, view: &mut Option<(Connection, i64)>, asked: bool) -> rusqlite::Result<()> {
        let (connection, seen) = match view {
            Some(view) => view,
            None => view.insert((self.database.reader()?, -1)),
        };
        let version =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get::<_, i64>(0))?;
        if asked || version != *seen {
            self.watched.refresh(connection)?;
            *seen = version;
        }
        Ok(())
    }
}

impl<W> Drop for Poller<W> {
    fn drop(&mut self) {
        let thread = {
            let mut state = lock(&self.shared.state);
            state.stopping = true;
            state.thread.take()
        };
        self.shared.wake.notify_one();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches for the changes of other processes has panicked");
        }
    }
}
