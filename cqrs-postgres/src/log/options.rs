use std::time::Duration;

use cqrs_core::store::Error;

use super::{PostgresEventStore, statements};
use crate::database::{Database, Listen, Settings, connection_options};

/// How a [`PostgresEventStore`] works; begun with [`PostgresEventStore::options`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `connect`"]
pub struct EventStoreOptions {
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) queue: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) event_bytes: usize,
    pub(super) events: usize,
    pub(super) append_bytes: usize,
}

/// Every statement finds its rows in the order of an index, and stops when it has enough: one plan is right for all
/// arguments. By itself, PostgreSQL would plan appends anew each time, as an array of one element looks cheap, and think
/// pages so short that it would rather collect all that is in reach, and sort it.
const PLANNER: &[(&str, &str)] =
    &[("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("enable_bitmapscan", "off")];

impl Default for EventStoreOptions {
    fn default() -> Self {
        Self {
            settings: Settings { planner: PLANNER, ..Settings::new("cqrs", 8) },
            limits: Limits { event_bytes: 1 << 20, events: 10_000, append_bytes: 64 << 20 },
            queue: 1_024,
        }
    }
}

impl EventStoreOptions {
    /// The schema that holds the log; `cqrs` by default. Several logs can share a database, each in a schema of its own.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.settings.schema = schema.into();
        self
    }

    /// The most connections for reading; 8 by default, at least 1. There is one more for appending, and one for
    /// listening while somebody [watches](cqrs_core::store::EventStore::watch).
    pub const fn connections(mut self, connections: u32) -> Self {
        self.settings.connections = connections;
        self
    }

    connection_options!();

    /// Another URL to listen on for new events: behind a `PgBouncer` that pools transactions, one of the server itself.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.settings.listen = Listen::At(url.into());
        self
    }

    /// Whether to listen for new events; by default, unless [`pgbouncer`](Self::pgbouncer) is set and there is no
    /// [`listen_url`](Self::listen_url). Without, the log is polled.
    pub fn listen(mut self, listen: bool) -> Self {
        match (&self.settings.listen, listen) {
            (_, false) => self.settings.listen = Listen::Off,
            (Listen::Off, true) => self.settings.listen = Listen::Here,
            _ => {}
        }
        self
    }

    /// How often to look for new events while somebody [watches](cqrs_core::store::EventStore::watch): by default each
    /// second, for what notifications may have missed, and each 50 milliseconds where there are none.
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = Some(interval);
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

    /// The most bytes of data and metadata in one append; 64 MiB by default. PostgreSQL takes less than 1 GiB.
    pub const fn max_append_bytes(mut self, bytes: usize) -> Self {
        self.limits.append_bytes = bytes;
        self
    }

    /// Connects to the log on this server: `postgres://user:password@host:port/database?sslmode=verify-full`. The schema
    /// is created where there is none.
    ///
    /// TLS is said by the URL's `sslmode` (`disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`; `prefer`
    /// by default) and `sslrootcert`, `sslcert`, `sslkey`.
    ///
    /// The connections live on the runtime that this is called on, and the store works no longer than it does.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL, a server or a schema that can't be used, and at once for a host that nobody knows or
    /// a server without the TLS that the URL asks for; [`Error::NewerFormat`] for a log that a
    /// newer version of this crate has made; [`Error::Unavailable`] where the server is away.
    pub async fn connect(self, url: &str) -> Result<PostgresEventStore, Error> {
        PostgresEventStore::connect_with(self, url).await
    }

    /// Creates the schema or brings it up to date, with the rights of the role in this URL, so that the application's
    /// role needs none to do so.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn migrate(self, url: &str) -> Result<(), Error> {
        let database = Database::new(url, &self.settings)?;
        statements::FORMAT.prepare(&database, true).await
    }
}
