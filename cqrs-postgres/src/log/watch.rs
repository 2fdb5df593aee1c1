//! Learns of the events of other processes.

use std::{
    future::pending,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cqrs_core::{envelope::Position, store::Error};
use sqlx::{
    Executor as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    time::{sleep_until, timeout},
};

use super::{EventStoreOptions, options::Listen, reader::Reader};
use crate::database::{Column as _, Server, Settings, timed_out};

/// How often the log is looked at where nobody tells of new events.
const POLL: Duration = Duration::from_millis(50);
/// How often it is looked at besides.
const SLOW_POLL: Duration = Duration::from_secs(1);
/// Pauses between attempts to listen double from here, up to a limit.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Tells of new events as long as somebody watches: by one connection that listens, and by looking now and then, for what
/// notifications have missed.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    reader: Arc<Reader>,
    head: watch::Sender<Position>,
    listen: Listening,
    interval: Duration,
    /// There is a new watcher.
    wake: Notify,
    state: Mutex<State>,
}

/// Where to listen.
#[derive(Debug)]
enum Listening {
    /// On the store's own URL.
    Here,
    At(Box<Server>),
    Off,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    closing: bool,
}

impl Watcher {
    pub(super) fn new(
        reader: Arc<Reader>,
        head: watch::Sender<Position>,
        options: &EventStoreOptions,
    ) -> Result<Self, Error> {
        let listen = match &options.listen {
            Listen::At(url) => Listening::At(Box::new(Server::new(
                url,
                &Settings { pgbouncer: false, ..options.settings.clone() },
            )?)),
            Listen::Here if !options.settings.pgbouncer => Listening::Here,
            Listen::Here | Listen::Off => Listening::Off,
        };
        let usual = if matches!(listen, Listening::Off) { POLL } else { SLOW_POLL };
        let interval = options.poll_interval.unwrap_or(usual);
        let (wake, state) = (Notify::new(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { reader, head, listen, interval, wake, state }) })
    }

    /// There is a new watcher.
    pub(super) fn start(&self) {
        let running = mem::replace(&mut self.shared.state().running, true);
        if running {
            self.shared.wake.notify_one();
        } else {
            let watch = Watch {
                shared: Arc::clone(&self.shared),
                listener: None,
                pause: FIRST_PAUSE,
                failing: false,
            };
            self.shared.reader.database.runtime.spawn(watch.run());
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.wake.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server(&self) -> Option<&Server> {
        match &self.listen {
            Listening::Here => Some(self.reader.database.connections.server()),
            Listening::At(server) => Some(server),
            Listening::Off => None,
        }
    }

    /// Somebody watches; who comes after a no starts anew.
    fn is_watched(&self) -> bool {
        let mut state = self.state();
        state.running = !state.closing && self.head.receiver_count() > 0;
        state.running
    }

    fn tell(&self, head: Position) {
        self.head.send_if_modified(|known| {
            let news = *known < head;
            *known = head.max(*known);
            news
        });
    }
}

/// The task that watches.
struct Watch {
    shared: Arc<Shared>,
    listener: Option<PgListener>,
    pause: Duration,
    failing: bool,
}

/// Why the task goes on.
enum News {
    Told(Option<Position>),
    /// It is time to look, or somebody new wants to know.
    Look,
    /// The connection that listened is gone.
    Deaf,
}

impl Watch {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let (mut look_at, mut listen_at) = (Instant::now(), Instant::now());
        while shared.is_watched() {
            if self.listener.is_none() && shared.server().is_some() && Instant::now() >= listen_at {
                match self.listen().await {
                    // What was appended meanwhile, nobody has told.
                    Ok(()) => look_at = Instant::now(),
                    Err(error) => {
                        self.failed(&error);
                        listen_at = Instant::now() + self.pause;
                        self.pause = LONGEST_PAUSE.min(self.pause * 2);
                    }
                }
            }
            let wake_at = if self.listener.is_none() && shared.server().is_some() {
                look_at.min(listen_at)
            } else {
                look_at
            };
            let news = tokio::select! {
                news = next(&mut self.listener) => news,
                () = sleep_until(wake_at.into()) => if Instant::now() >= look_at { News::Look } else { continue },
                () = shared.wake.notified() => News::Look,
            };
            match news {
                News::Told(Some(head)) => shared.tell(head),
                News::Told(None) | News::Look => self.look().await,
                News::Deaf => self.listener = None,
            }
            look_at = Instant::now() + shared.interval;
        }
    }

    /// Opens a connection that listens; each time a new one, as sqlx's listener would go on with one that is half dead.
    async fn listen(&mut self) -> sqlx::Result<()> {
        let Some(server) = self.shared.server() else { return Ok(()) };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(server.timeout())
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(server.options().clone());
        let channel = format!("{}.events", self.shared.reader.database.schema.name());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(&channel).await?;
            Ok(listener)
        };
        let listener = timeout(server.timeout(), listening)
            .await
            .unwrap_or_else(|_| Err(timed_out(server.timeout())))?;
        self.listener = Some(listener);
        (self.pause, self.failing) = (FIRST_PAUSE, false);
        Ok(())
    }

    /// Looks at the log: over the connection that listens, where there is one, which shows whether that is still alive.
    async fn look(&mut self) {
        let head = match &mut self.listener {
            Some(listener) => {
                let patience = self.shared.reader.timeout();
                let sql = self.shared.reader.statements.head.clone();
                match timeout(patience, listener.fetch_optional(sqlx::query(sql))).await {
                    Ok(Ok(row)) => row.map_or(Ok(0), |row| row.u64(0)).map(Position::new),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(timed_out(patience)),
                }
            }
            None => match self.shared.reader.head().await {
                Ok(head) => Ok(head),
                Err(error) => return self.failed(&error),
            },
        };
        match head {
            Ok(head) => self.shared.tell(head),
            Err(error) => {
                self.listener = None;
                self.failed(&error);
            }
        }
    }

    /// Says so once, until it works again.
    fn failed(&mut self, error: &(dyn std::error::Error + 'static)) {
        if !mem::replace(&mut self.failing, true) {
            tracing::warn!(error, "can't watch for new events; trying again");
        }
    }
}

async fn next(listener: &mut Option<PgListener>) -> News {
    let Some(listener) = listener else { return pending().await };
    match listener.try_recv().await {
        Ok(Some(told)) => News::Told(told.payload().parse().ok().map(Position::new)),
        Ok(None) | Err(_) => News::Deaf,
    }
}
