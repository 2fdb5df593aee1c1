//! The server that the tests run against, and places on it of their own.

use std::{env, future::Future, sync::Arc, thread, time::Duration};

use cqrs_postgres::{EventStoreOptions, PostgresEventStore, PostgresViewStore, ViewStoreOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// The URL of a role that may create schemas and roles.
pub(crate) fn url() -> String {
    env::var("CQRS_TEST_POSTGRES_URL").expect(
        "these tests need a PostgreSQL server: run them by `cargo xtask test`, or set CQRS_TEST_POSTGRES_URL to the URL of \
         a superuser",
    )
}

/// A connection beside the stores.
pub(crate) async fn connect() -> PgConnection {
    PgConnection::connect(&url()).await.unwrap()
}

pub(crate) async fn run(sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut connect().await).await.unwrap();
}

/// What comes as soon as it can, and is to fail rather than hang where it never comes.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), event).await.expect("this comes soon")
}

/// The URL with one more parameter.
pub(crate) fn url_with(parameter: &str) -> String {
    let separator = if url().contains('?') { '&' } else { '?' };
    format!("{}{separator}{parameter}", url())
}

/// A schema that is gone after the test.
#[derive(Debug)]
pub(crate) struct Schema(pub(crate) String);

impl Schema {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(format!("test_{}", Uuid::now_v7().simple())))
    }

    /// Tests run side by side, and share the server's connections.
    pub(crate) fn events(&self) -> EventStoreOptions {
        PostgresEventStore::options().schema(&*self.0).connections(2)
    }

    pub(crate) async fn connect_events(&self) -> PostgresEventStore {
        self.events().connect(&url()).await.unwrap()
    }

    pub(crate) fn views(&self) -> ViewStoreOptions {
        PostgresViewStore::options().schema(&*self.0)
    }

    pub(crate) async fn connect_views(&self) -> PostgresViewStore {
        self.views().connect(&url()).await.unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let sql = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.0);
        // The test's own runtime may be gone.
        let dropping = thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(sql));
        });
        if let Err(panic) = dropping.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Opens stores in one schema, each time that it is called.
pub(crate) fn in_a_fresh_schema<F: Future>(open: impl Fn(Arc<Schema>) -> F) -> impl Fn() -> F {
    let schema = Schema::new();
    move || open(Arc::clone(&schema))
}
