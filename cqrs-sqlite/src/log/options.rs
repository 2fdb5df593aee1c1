use std::{path::Path, time::Duration};

use cqrs_core::store::Error;

use super::SqliteEventStore;
use crate::file::{Settings, Synchronous};

/// How an [`SqliteEventStore`] works; begun with [`SqliteEventStore::options`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `open`"]
pub struct EventStoreOptions {
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) queue: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) event_bytes: usize,
    pub(super) events: usize,
}

impl Default for EventStoreOptions {
    fn default() -> Self {
        Self {
            settings: Settings::new(Synchronous::Full),
            limits: Limits { event_bytes: 1 << 20, events: 10_000 },
            queue: 1_024,
        }
    }
}

impl EventStoreOptions {
    /// What an append waits for; [`Synchronous::Full`] by default. With [`Synchronous::Normal`] a lone caller appends
    /// several times as fast, but the loss of power may take acknowledged events with it.
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings.synchronous = synchronous;
        self
    }

    /// How long to wait while another process writes; 5 seconds by default. Beyond it, a call fails with
    /// [`Error::Unavailable`], and may be repeated.
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy_timeout = timeout;
        self
    }

    /// How many reads run at the same time, each on a connection of its own; the number of processors by default,
    /// but at most 4. At least 1.
    pub const fn readers(mut self, readers: usize) -> Self {
        self.settings.readers = if readers == 0 { 1 } else { readers };
        self
    }

    /// How often to look for the events of other processes, while somebody [watches]; 10 milliseconds by default.
    ///
    /// [watches]: cqrs_core::store::EventStore::watch
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// How many appends may wait for the running commit; 1,024 by default. Beyond it, an append fails with
    /// [`AppendError::Busy`](cqrs_core::store::AppendError::Busy).
    pub const fn queue(mut self, appends: usize) -> Self {
        self.queue = appends;
        self
    }

    /// The longest data of one event, and the longest metadata, in bytes; 1 MiB by default.
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.limits.event_bytes = bytes;
        self
    }

    /// The most events, and the most conditions, of one append; 10,000 by default.
    pub const fn max_append_events(mut self, events: usize) -> Self {
        self.limits.events = events;
        self
    }

    /// Opens the log in this file, which is created where there is none, as is its folder.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a path that can't be used, and a file that holds no log; [`Error::NewerFormat`] for one
    /// that a newer version of this crate has written; [`Error::Unavailable`] where another process keeps the file
    /// locked.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteEventStore, Error> {
        SqliteEventStore::open_with(self, path.as_ref().to_owned()).await
    }
}
