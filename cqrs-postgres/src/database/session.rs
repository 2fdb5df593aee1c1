use std::{
    fmt::Write as _,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::store::Error;
use futures_util::{TryStreamExt as _, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Postgres, SqlSafeStr as _, SqlStr,
    Transaction,
    postgres::{PgArguments, PgConnectOptions, PgDatabaseError, PgRow},
    query::Query,
};
use tokio::time::{sleep_until, timeout_at};

use super::{Settings, Trouble, timed_out, url};

/// A server, and how to talk to it.
#[derive(Debug)]
pub(crate) struct Server {
    options: PgConnectOptions,
    /// Host, port and database, for errors.
    place: Arc<str>,
    /// What each transaction begins with, where connections keep neither settings nor statements.
    begin: Option<SqlStr>,
    timeout: Duration,
}

/// The server's setting that bounds how long a transaction may wait for the next statement.
const IDLE_IN_TRANSACTION: &str = "idle_in_transaction_session_timeout";

/// From here the pauses between attempts to connect double, up to a limit.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl Server {
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL that is none; it does not repeat the URL, which may hold a password.
    pub(crate) fn new(url: &str, settings: &Settings) -> Result<Self, Error> {
        let options = url::parse(url)?;
        let place = url::place(&options);
        let mut options = options
            // Poolers don't know it, and no floating-point number is read.
            .extra_float_digits(None)
            .disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("cqrs");
        }
        let timeouts =
            [("statement_timeout", settings.statement_timeout), ("lock_timeout", settings.lock_timeout)]
                .into_iter()
                .filter_map(|(name, limit)| Some((name, limit.of(settings.timeout)?)))
                .map(|(name, limit)| (name, limit.as_millis().max(1).to_string()));
        // No statement here is worth being compiled.
        let planner = [("jit", "off")].iter().chain(settings.planner);
        let planner = planner.map(|(name, value)| (*name, (*value).to_owned()));
        // Whoever stands still in a transaction, or is gone and the server can't tell, would hold its locks for as long.
        let idle = (IDLE_IN_TRANSACTION, (settings.timeout / 5).as_millis().max(1).to_string());
        let others = planner.chain([idle]);
        let begin = if settings.pgbouncer {
            let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
            for (name, value) in timeouts.chain(others) {
                write!(begin, "; SET LOCAL {name} = {value}").expect("a text takes what is written");
            }
            Some(AssertSqlSafe(begin).into_sql_str())
        } else {
            let mut timeouts = timeouts.peekable();
            // Without them, nothing is set: the URL may be one of a pooler that takes no settings.
            if timeouts.peek().is_some() {
                // What every statement here is made for, whatever the server's default is.
                let isolation = [("default_transaction_isolation", "read committed")];
                options = options.options(isolation).options(timeouts).options(others);
            }
            None
        };
        Ok(Self { options, place, begin, timeout: settings.timeout })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn place(&self) -> &Arc<str> {
        &self.place
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Connects, and goes on trying until the deadline where the server is away for the moment.
    pub(crate) async fn connect(&self, deadline: Instant) -> sqlx::Result<Session> {
        let mut pause = FIRST_PAUSE;
        loop {
            let connecting = PgConnection::connect_with(&self.options);
            let error = match timeout_at(deadline.into(), connecting).await {
                Ok(Ok(connection)) => {
                    let now = Instant::now();
                    return Ok(Session { connection, begin: self.begin.clone(), opened: now, used: now });
                }
                Ok(Err(error)) if is_away(&error) => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(timed_out(self.timeout)),
            };
            sleep_until(deadline.min(Instant::now() + pause).into()).await;
            if Instant::now() >= deadline {
                return Err(error);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The server may take a connection soon.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        // A path, a name or a certificate that is wrong stays so.
        sqlx::Error::Io(error) => !matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::NotFound
        ),
        sqlx::Error::Database(said) => {
            matches!(Trouble::of(error), Trouble::Lost | Trouble::Passing)
                // It has no room for another connection.
                || said.try_downcast_ref::<PgDatabaseError>().is_some_and(|said| said.code().starts_with("53"))
        }
        _ => false,
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Session {
    connection: PgConnection,
    begin: Option<SqlStr>,
    opened: Instant,
    used: Instant,
}

/// Connections that have waited longer than this may have been cut by something on the way that tells nobody.
const MAX_IDLE: Duration = Duration::from_mins(3);
/// Connections are renewed after this time, so that a changed address is found, and the server's caches stay small.
const MAX_AGE: Duration = Duration::from_mins(30);

impl Session {
    /// It is worth while to go on with it.
    pub(crate) fn is_fresh(&self) -> bool {
        self.used.elapsed() <= MAX_IDLE && self.opened.elapsed() <= MAX_AGE
    }

    /// A statement, which is prepared once for a connection, where that lasts.
    pub(crate) fn query<'q>(&self, sql: &SqlStr) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(sql.clone()).persistent(self.begin.is_none())
    }

    /// Runs one statement, in a transaction of its own, and returns its rows as soon as that is committed.
    pub(crate) async fn fetch(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> sqlx::Result<Vec<PgRow>> {
        let mut rows = Vec::new();
        self.each(query, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// As [`fetch`](Self::fetch), for many rows: each is dealt with while the server sends the next.
    pub(crate) async fn each(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
        take: impl FnMut(PgRow) -> sqlx::Result<()> + Send,
    ) -> sqlx::Result<()> {
        self.used = Instant::now();
        if self.begin.is_none() {
            return each(query.fetch(&mut self.connection), take).await;
        }
        let mut transaction = self.transaction().await?;
        match each(query.fetch(&mut *transaction), take).await {
            Ok(()) => transaction.commit().await,
            // Now rather than with the next statement: until then, a pooler would keep a connection for it.
            Err(error) => transaction.rollback().await.and(Err(error)),
        }
    }

    /// Begins a transaction for several statements, each made by [`query`](Self::query).
    pub(crate) async fn transaction(&mut self) -> sqlx::Result<Transaction<'_, Postgres>> {
        self.used = Instant::now();
        match &self.begin {
            Some(begin) => self.connection.begin_with(begin.clone()).await,
            None => self.connection.begin().await,
        }
    }
}

/// Goes on to the last row in any case, as the next statement would have to otherwise.
async fn each(
    mut rows: BoxStream<'_, sqlx::Result<PgRow>>,
    mut take: impl FnMut(PgRow) -> sqlx::Result<()> + Send,
) -> sqlx::Result<()> {
    let mut taken = Ok(());
    while let Some(row) = rows.try_next().await? {
        if taken.is_ok() {
            taken = take(row);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Limit;

    fn server(change: impl FnOnce(&mut Settings)) -> Server {
        let mut settings = Settings::new("cqrs", 1);
        change(&mut settings);
        Server::new("postgres://localhost/shop", &settings).expect("a URL")
    }

    #[test]
    fn a_transaction_that_stands_still_is_ended_by_the_server() {
        let bound = format!("{IDLE_IN_TRANSACTION}=2000");
        let server_of_pooler = server(|settings| settings.pgbouncer = true);
        let begin = server_of_pooler.begin.expect("it brings its settings along");
        assert!(
            begin.as_str().contains("SET LOCAL idle_in_transaction_session_timeout = 2000"),
            "{}",
            begin.as_str()
        );
        let options = server(|_| {}).options;
        assert!(options.get_options().is_some_and(|options| options.contains(&bound)), "{options:?}");
    }

    #[test]
    fn without_time_outs_no_parameter_of_the_server_is_set() {
        let none = |settings: &mut Settings| {
            (settings.statement_timeout, settings.lock_timeout) = (Limit::Chosen(None), Limit::Chosen(None));
        };
        assert_eq!(server(none).options.get_options(), None);
    }
}
