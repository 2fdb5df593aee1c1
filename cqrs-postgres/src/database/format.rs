use std::time::Instant;

use cqrs_core::store::Error;
use sqlx::{Row as _, SqlStr};
use tokio::time::timeout_at;

use super::{Column as _, Database, Failure, Session, Trouble, timed_out, told};

/// What a store keeps in its schema.
#[derive(Debug)]
pub(crate) struct Format {
    /// Its name in the table `format`, which stores that share a schema share too.
    pub(crate) kind: &'static str,
    /// What such a schema holds, for messages.
    pub(crate) holds: &'static str,
    /// The steps from nothing to the newest version; version *n* is what the first *n* lead to. Each is a row of files,
    /// one for each object.
    pub(crate) migrations: &'static [&'static [&'static str]],
}

const DOING: &str = "prepares its schema";

const SERVER: &str =
    "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),
    to_regclass('{schema}.format') IS NOT NULL";
const VERSION: &str = "SELECT max(version) FROM {schema}.format WHERE kind = $1";
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const CREATE: &str = "CREATE SCHEMA IF NOT EXISTS {schema};
    CREATE TABLE IF NOT EXISTS {schema}.format (
        kind text COLLATE \"C\" NOT NULL PRIMARY KEY,
        version integer NOT NULL
    )";
const STAMP: &str = "INSERT INTO {schema}.format (kind, version) VALUES ($1, $2)
    ON CONFLICT (kind) DO UPDATE SET version = excluded.version";

/// PostgreSQL 13.
const OLDEST_SERVER: i32 = 130_000;

impl Format {
    /// The newest version.
    pub(crate) fn known(&self) -> u32 {
        u32::try_from(self.migrations.len()).expect("a few migrations")
    }

    /// Brings the schema to the newest version, or finds that it has it. Of several processes that start at once just
    /// one does the work.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a server or a schema that can't be used, [`Error::NewerFormat`], and what the connection
    /// says.
    pub(crate) async fn prepare(&self, database: &Database, migrations: bool) -> Result<(), Error> {
        let server = database.connections.server();
        let deadline = Instant::now() + server.timeout();
        server.is_known(deadline).await?;
        loop {
            let lease = database.connections.take(deadline).await;
            let mut lease = lease.map_err(|error| server.unreachable(error))?;
            let preparing = self.prepare_on(&mut lease, database, migrations);
            let failure = match timeout_at(deadline.into(), preparing).await {
                Ok(Ok(())) => {
                    lease.give_back();
                    return Ok(());
                }
                Ok(Err(Stop::Said(error))) => return Err(error),
                Ok(Err(Stop::Failed(error))) => Failure::new(DOING, error).at(server.place()),
                Err(_) => Failure::new(DOING, timed_out(server.timeout())).at(server.place()),
            };
            match Trouble::of(&failure.source) {
                Trouble::Lost | Trouble::Collision if Instant::now() < deadline => {}
                _ => return Err(failure.into()),
            }
        }
    }

    async fn prepare_on(
        &self,
        session: &mut Session,
        database: &Database,
        migrations: bool,
    ) -> Result<(), Stop> {
        let sql = |template| database.schema.sql(template);
        let query = session.query(&sql(SERVER));
        let rows = session.fetch(query).await?;
        let row = only(&rows)?;
        let version = row.i32(0)?;
        if version < OLDEST_SERVER {
            let what = format!(
                "the server has version {}, but PostgreSQL 13 is the oldest that will do",
                version / 10_000
            );
            return Err(Error::invalid(what).into());
        }
        let encoding = row.text(1)?;
        if encoding != "UTF8" {
            let what = format!(
                "the database has the encoding {encoding}, but UTF8 is the only one that takes every text"
            );
            return Err(Error::invalid(what).into());
        }
        let found = if row.try_get(2)? { self.version(session, &sql(VERSION)).await? } else { 0 };
        if found == self.known() {
            return Ok(());
        }
        if found > self.known() {
            return Err(Error::NewerFormat { found, known: self.known() }.into());
        }
        if !migrations {
            let what = format!(
                "the schema {} holds {} of format {found}, but this program needs {}: run its migrations first",
                database.schema.name(),
                self.holds,
                self.known()
            );
            return Err(Error::invalid(what).into());
        }
        self.migrate(session, database).await
    }

    async fn version(&self, session: &mut Session, sql: &SqlStr) -> Result<u32, Stop> {
        let query = session.query(sql).bind(self.kind);
        let rows = session.fetch(query).await?;
        let version: Option<i32> = only(&rows)?.try_get(0)?;
        Ok(u32::try_from(version.unwrap_or_default()).unwrap_or_default())
    }

    /// In one transaction, which is all that a pooler leaves together.
    async fn migrate(&self, session: &mut Session, database: &Database) -> Result<(), Stop> {
        let sql = |template| database.schema.sql(template);
        let (create, version, stamp) = (sql(CREATE), sql(VERSION), sql(STAMP));
        let [lock, version, stamp] = [&sql(LOCK), &version, &stamp].map(|sql| session.query(sql));
        let mut transaction = session.transaction().await?;
        lock.bind(database.schema.lock_key()).execute(&mut *transaction).await?;
        // What is there already is nothing to tell of.
        sqlx::raw_sql("SET LOCAL client_min_messages = warning").execute(&mut *transaction).await?;
        sqlx::raw_sql(create)
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.refused(error, database))?;
        let done: Option<i32> = version.bind(self.kind).fetch_one(&mut *transaction).await?.try_get(0)?;
        let done = usize::try_from(done.unwrap_or_default()).unwrap_or_default();
        for step in self.migrations.get(done..).unwrap_or_default().concat() {
            let run = sqlx::raw_sql(sql(step)).execute(&mut *transaction).await;
            run.map_err(|error| self.refused(error, database))?;
        }
        if done < self.migrations.len() {
            let known = i32::try_from(self.known()).expect("a few migrations");
            stamp.bind(self.kind).bind(known).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    fn refused(&self, error: sqlx::Error, database: &Database) -> Stop {
        let schema = database.schema.name();
        match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
            Some("42P07" | "42723" | "42710") => Stop::Said(Error::invalid(format!(
                "the schema {schema} is used for something else: {}; choose another one for {}",
                told(&error),
                self.holds
            ))),
            Some("42501") => Stop::Said(Error::invalid(format!(
                "the schema {schema} can't be prepared: {}; let its owner run the migrations",
                told(&error)
            ))),
            _ => Stop::Failed(error),
        }
    }
}

fn only(rows: &[sqlx::postgres::PgRow]) -> sqlx::Result<&sqlx::postgres::PgRow> {
    rows.first().ok_or(sqlx::Error::RowNotFound)
}

enum Stop {
    /// What the caller is to be told.
    Said(Error),
    /// What the driver said.
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}
