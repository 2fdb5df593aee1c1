use std::time::Duration;

use cqrs_core::store::Error;

use super::{PostgresViewStore, statements};
use crate::database::{Database, Listen, Settings, connection_options};

/// How a [`PostgresViewStore`] works; begun with [`PostgresViewStore::options`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `connect`"]
pub struct ViewStoreOptions {
    pub(super) settings: Settings,
    pub(super) document_bytes: usize,
}

impl Default for ViewStoreOptions {
    fn default() -> Self {
        Self { settings: Settings::new("cqrs_views", 8), document_bytes: 16 << 20 }
    }
}

impl ViewStoreOptions {
    /// The schema that holds the views; `cqrs_views` by default.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.settings.schema = schema.into();
        self
    }

    /// The most connections, which queries and projections share; 8 by default, at least 1. There is one more for
    /// listening, while somebody [watches].
    ///
    /// [watches]: cqrs_core::store::ViewStore::watch
    pub const fn connections(mut self, connections: u32) -> Self {
        self.settings.connections = connections;
        self
    }

    connection_options!();

    /// Another URL to listen on for the batches of other processes: behind a PgBouncer that pools transactions, one of
    /// the server itself.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.settings.listen = Listen::At(url.into());
        self
    }

    /// Whether to listen for the batches of other processes; by default, unless [`pgbouncer`](Self::pgbouncer) is set
    /// and there is no [`listen_url`](Self::listen_url). Without, checkpoints are polled.
    pub fn listen(mut self, listen: bool) -> Self {
        match (&self.settings.listen, listen) {
            (_, false) => self.settings.listen = Listen::Off,
            (Listen::Off, true) => self.settings.listen = Listen::Here,
            _ => {}
        }
        self
    }

    /// How often to look for the batches of other processes, while somebody [watches]: by default each second, for what
    /// notifications may have missed, and each 50 milliseconds where there are none.
    ///
    /// [watches]: cqrs_core::store::ViewStore::watch
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = Some(interval);
        self
    }

    /// The longest document, in bytes of its JSON text; 16 MiB by default. PostgreSQL takes less than 1 GiB.
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.document_bytes = bytes;
        self
    }

    /// Connects to the views on this server: `postgres://user:password@host:port/database?sslmode=verify-full`. The
    /// schema is created where there is none.
    ///
    /// TLS is said by the URL's `sslmode` (`disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`; `prefer`
    /// by default) and `sslrootcert`, `sslcert`, `sslkey`.
    ///
    /// The connections live on the runtime that this is called on, and the store works no longer than it does.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL, a server or a schema that can't be used, and at once for a host that nobody knows or
    /// a server without the TLS that the URL asks for; [`Error::NewerFormat`] for views that a
    /// newer version of this crate has made; [`Error::Unavailable`] where the server is away.
    pub async fn connect(self, url: &str) -> Result<PostgresViewStore, Error> {
        PostgresViewStore::connect_with(self, url).await
    }

    /// Creates the schema or brings it up to date, with the rights of the role in this URL, so that the application's
    /// role needs none to do so. Tables of projections are made by
    /// [`prepare`](cqrs_core::store::ViewStore::prepare).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn migrate(self, url: &str) -> Result<(), Error> {
        statements::FORMAT.prepare(&Database::new(url, &self.settings)?, true).await
    }
}
