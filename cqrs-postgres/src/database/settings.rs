use std::{fmt, time::Duration};

/// How a store uses its server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) schema: String,
    pub(crate) connections: u32,
    pub(crate) timeout: Duration,
    pub(crate) statement_timeout: Limit,
    pub(crate) lock_timeout: Limit,
    pub(crate) pgbouncer: bool,
    pub(crate) migrations: bool,
    pub(crate) listen: Listen,
    pub(crate) poll_interval: Option<Duration>,
    /// What the server is told about how to work on the store's statements.
    pub(crate) planner: &'static [(&'static str, &'static str)],
}

/// How long the server lets something take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// So many tenths of the time that the whole call has.
    Tenths(u32),
    /// This, or, without it, what the server is configured for.
    Chosen(Option<Duration>),
}

impl Limit {
    pub(crate) fn of(self, timeout: Duration) -> Option<Duration> {
        match self {
            Self::Tenths(tenths) => Some(timeout * tenths / 10),
            Self::Chosen(limit) => limit,
        }
    }
}

/// How a store learns of what other processes do.
#[derive(Clone)]
pub(crate) enum Listen {
    /// By the server's notifications, on the same URL.
    Here,
    /// By the server's notifications, on another URL.
    At(String),
    /// By looking again and again.
    Off,
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "Here",
            // The URL may hold a password.
            Self::At(_) => "At(..)",
            Self::Off => "Off",
        })
    }
}

impl Settings {
    pub(crate) fn new(schema: &str, connections: u32) -> Self {
        Self {
            schema: schema.to_owned(),
            connections,
            timeout: Duration::from_secs(10),
            statement_timeout: Limit::Tenths(8),
            lock_timeout: Limit::Tenths(5),
            pgbouncer: false,
            migrations: true,
            listen: Listen::Here,
            poll_interval: None,
            planner: &[],
        }
    }
}

/// The options that both stores have, of a type with a field `settings`.
macro_rules! connection_options {
    () => {
        /// How long a call may take, with connecting, and with repeating it after a lost connection; 10 seconds by
        /// default. Beyond it, it fails with
        /// [`Error::Unavailable`](cqrs_core::store::Error::Unavailable), and may be repeated.
        pub const fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.timeout = timeout;
            self
        }

        /// The server's `statement_timeout`: how long it works on one statement; by default four fifths of
        /// [`timeout`](Self::timeout), which it is to be less than. `None`: as the server is configured.
        pub const fn statement_timeout(mut self, timeout: Option<std::time::Duration>) -> Self {
            self.settings.statement_timeout = crate::database::Limit::Chosen(timeout);
            self
        }

        /// The server's `lock_timeout`: how long a statement waits for another one; by default half of
        /// [`timeout`](Self::timeout), which it is to be less than. `None`: as the server is configured.
        pub const fn lock_timeout(mut self, timeout: Option<std::time::Duration>) -> Self {
            self.settings.lock_timeout = crate::database::Limit::Chosen(timeout);
            self
        }

        /// Whether the URL is one of a [`PgBouncer`](https://www.pgbouncer.org) that pools transactions and knows no prepared statements (before
        /// version 1.21, or with `max_prepared_statements = 0`); not by default. Each statement then takes four round
        /// trips instead of one.
        ///
        /// A `PgBouncer` that knows them needs just [`statement_timeout`](Self::statement_timeout) and
        /// [`lock_timeout`](Self::lock_timeout) with `None`, as it takes no settings when a connection starts.
        pub const fn pgbouncer(mut self, pgbouncer: bool) -> Self {
            self.settings.pgbouncer = pgbouncer;
            self
        }

        /// Whether connecting creates the schema, or brings it up to date; it does by default. Where there is nothing
        /// to do, no right to do it is needed.
        pub const fn migrations(mut self, migrations: bool) -> Self {
            self.settings.migrations = migrations;
            self
        }
    };
}

pub(crate) use connection_options;
