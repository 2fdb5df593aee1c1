//! Over a PostgreSQL server.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cqrs_core::store::{EventStore, ViewStore};
use cqrs_postgres::{PostgresEventStore, PostgresViewStore};
use cqrs_testkit::{conformance::Stores, tokio::runtime::Builder};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::check::{Time, event_store_bites, view_store_bites};

/// The URL of a role that may create databases.
fn url() -> String {
    env::var("CQRS_TEST_POSTGRES_URL").expect(
        "these tests need a PostgreSQL server: run them by `cargo xtask test`, or set CQRS_TEST_POSTGRES_URL to the URL of \
         a superuser",
    )
}

/// Beside the stores, and their runtime.
fn run(sql: String) -> sqlx::Result<()> {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut connection = PgConnection::connect(&url()).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    })
}

/// A database that goes with the test; each place for data is a schema in it.
struct Database {
    name: String,
    schemas: Arc<AtomicUsize>,
}

impl Database {
    fn new() -> Self {
        let name = format!("cqrs_bite_{}", Uuid::now_v7().simple());
        run(format!("CREATE DATABASE {name}")).unwrap();
        Self { name, schemas: Arc::default() }
    }

    fn url(&self) -> String {
        let options: PgConnectOptions = url().parse().unwrap();
        options.database(&self.name).to_url_lossy().to_string()
    }

    fn schemas(&self) -> impl Fn() -> String + Send + Sync + 'static {
        let schemas = Arc::clone(&self.schemas);
        move || format!("place_{}", schemas.fetch_add(1, Ordering::SeqCst))
    }

    fn events(&self) -> Stores<dyn EventStore> {
        let (url, schema) = (self.url(), self.schemas());
        Stores::<dyn EventStore>::new(move || {
            let (url, schema) = (url.clone(), schema());
            move || {
                let (url, schema) = (url.clone(), schema.clone());
                async move {
                    PostgresEventStore::options().schema(schema).connections(2).connect(&url).await.unwrap()
                }
            }
        })
    }

    fn views(&self) -> Stores<dyn ViewStore> {
        let (url, schema) = (self.url(), self.schemas());
        Stores::<dyn ViewStore>::new(move || {
            let (url, schema) = (url.clone(), schema());
            move || {
                let (url, schema) = (url.clone(), schema.clone());
                async move { PostgresViewStore::options().schema(schema).connect(&url).await.unwrap() }
            }
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped = run(format!("DROP DATABASE {} WITH (FORCE)", self.name));
        if !thread::panicking() {
            dropped.unwrap();
        }
    }
}

event_store_bites!(Time::Real, Database::new());
view_store_bites!(Time::Real, Database::new());
