use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cqrs_core::store::{BoxFuture, Error};
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{Database, Listen, Server, Settings, timed_out};

/// What may be changed by another process, while somebody here waits for it.
pub(crate) trait Watched: Send + Sync + 'static {
    /// Somebody wants to know.
    fn is_watched(&self) -> bool;

    /// The server has told of a change.
    fn told(&self, payload: &str);

    /// Looks how things are, and tells.
    fn refresh<'a>(&'a self, database: &'a Database) -> BoxFuture<'a, Result<(), Error>>;
}

/// Learns of changes by the server's notifications, and by looking from time to time, as notifications are lost along
/// with a connection: in one task with one connection, for as long as somebody wants to know.
pub(crate) struct Watcher<W> {
    shared: Arc<Shared<W>>,
}

struct Shared<W> {
    database: Database,
    watched: W,
    channel: String,
    /// Where to listen; `None`: nowhere.
    server: Option<Server>,
    /// How often to look while notifications come, and how often while they don't.
    intervals: [Duration; 2],
    asked: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: bool,
    task: Option<AbortHandle>,
}

impl<W: Watched> Watcher<W> {
    /// Watches for what is told on a channel.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL to listen on that is none.
    pub(crate) fn new(
        database: &Database,
        url: &str,
        settings: &Settings,
        channel: String,
        watched: W,
    ) -> Result<Self, Error> {
        let direct = Settings { pgbouncer: false, ..settings.clone() };
        let server = match &settings.listen {
            Listen::Here if settings.pgbouncer => None,
            Listen::Here => Some(Server::new(url, &direct)?),
            Listen::At(url) => Some(Server::new(url, &direct)?),
            Listen::Off => None,
        };
        let intervals = [Duration::from_secs(1), Duration::from_millis(50)]
            .map(|interval| settings.poll_interval.unwrap_or(interval).max(Duration::from_millis(1)));
        Ok(Self {
            shared: Arc::new(Shared {
                database: database.clone(),
                watched,
                channel,
                server,
                intervals,
                asked: Notify::new(),
                state: Mutex::default(),
            }),
        })
    }

    pub(crate) fn watched(&self) -> &W {
        &self.shared.watched
    }

    /// There is somebody new who wants to know: they are told how things are.
    pub(crate) fn start(&self) {
        self.shared.asked.notify_one();
        let mut state = self.shared.state();
        if !state.running {
            let shared = Arc::clone(&self.shared);
            state.running = true;
            state.task =
                Some(self.shared.database.runtime.spawn(async move { shared.run().await }).abort_handle());
        }
    }
}

impl<W: Watched> Shared<W> {
    async fn run(&self) {
        let mut listener = None;
        let mut tried: Option<Instant> = None;
        let mut trouble = Trouble::default();
        while !self.may_end() {
            let [slow, quick] = self.intervals;
            if let Some(server) = &self.server
                && listener.is_none()
                && tried.is_none_or(|tried| tried.elapsed() >= slow)
            {
                tried = Some(Instant::now());
                match self.listen(server).await {
                    Ok(listening) => listener = Some(listening),
                    Err(error) => trouble.tell("can't listen for the changes of other processes", &error),
                }
            }
            // Behind the beginning of listening, so that nothing is missed in between.
            match self.watched.refresh(&self.database).await {
                Ok(()) if listener.is_some() == self.server.is_some() => trouble = Trouble::default(),
                Ok(()) => {}
                Err(error) => trouble.tell("can't look for the changes of other processes", &error),
            }
            let interval = if listener.is_some() { slow } else { quick };
            tokio::select! {
                () = self.receive(listener.as_mut()) => listener = None,
                () = self.asked.notified() => {}
                () = sleep(interval) => {
                    if let Some(listening) = &mut listener
                        && !self.is_alive(listening).await
                    {
                        listener = None;
                    }
                }
            }
        }
    }

    /// Nobody is interested any more.
    fn may_end(&self) -> bool {
        let mut state = self.state();
        state.running = self.watched.is_watched();
        !state.running
    }

    async fn listen(&self, server: &Server) -> sqlx::Result<PgListener> {
        let listening = async {
            // sqlx can listen on a connection of a pool only; its own makes one by itself, with fewer options.
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .test_before_acquire(false)
                .connect_lazy_with(server.options().clone());
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.ignore_pool_close_event(true);
            listener.eager_reconnect(false);
            listener.listen(&self.channel).await?;
            Ok(listener)
        };
        let patience = server.timeout();
        timeout(patience, listening).await.unwrap_or_else(|_| Err(timed_out(patience)))
    }

    /// Tells of all that comes, until the connection is lost.
    async fn receive(&self, listener: Option<&mut PgListener>) {
        let Some(listener) = listener else { return std::future::pending().await };
        while let Ok(Some(notification)) = listener.try_recv().await {
            self.watched.told(notification.payload());
        }
    }

    /// A connection that is cut without a word would be listened on for ever.
    async fn is_alive(&self, listener: &mut PgListener) -> bool {
        let patience = self.database.connections.server().timeout();
        let asked = sqlx::query("SELECT 1").persistent(false).execute(listener);
        matches!(timeout(patience, asked).await, Ok(Ok(_)))
    }
}

impl<W> Shared<W> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Drop for Watcher<W> {
    fn drop(&mut self) {
        if let Some(task) = self.shared.state().task.take() {
            task.abort();
        }
    }
}

impl<W> fmt::Debug for Watcher<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("channel", &self.shared.channel).finish_non_exhaustive()
    }
}

/// Says that something goes wrong, and not again until it has gone well.
#[derive(Default)]
struct Trouble {
    told: bool,
}

impl Trouble {
    fn tell(&mut self, what: &str, error: &(dyn std::error::Error + 'static)) {
        if !std::mem::replace(&mut self.told, true) {
            tracing::warn!(error, "{what}");
        }
    }
}
