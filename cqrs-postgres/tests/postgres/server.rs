//! The server that the tests run against, and places of their own on it.

use std::{
    env, process,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use cqrs_postgres::{EventStoreOptions, PostgresEventStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

static URL: LazyLock<String> = LazyLock::new(|| {
    env::var("CQRS_TEST_POSTGRES_URL").expect(
        "these tests need a PostgreSQL server: run them with `cargo xtask test`, or set CQRS_TEST_POSTGRES_URL to the \
         URL of a superuser",
    )
});

pub(crate) fn url() -> &'static str {
    &URL
}

/// A schema of one's own, which is removed with this.
pub(crate) struct Place {
    schema: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let (id, count) = (process::id(), COUNT.fetch_add(1, Relaxed));
        Self { schema: format!("test_{nanos:x}_{id}_{count}") }
    }

    pub(crate) fn options(&self) -> EventStoreOptions {
        PostgresEventStore::options().schema(&self.schema)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema);
        // On a thread of its own, as this may be dropped within a runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&URL).await?;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
                connection.close().await
            })
        });
        let dropped = dropped.join().expect("the schema is dropped without a panic");
        if !std::thread::panicking() {
            dropped.expect("the schema is dropped");
        }
    }
}

/// Tests run side by side, and share the server's connections.
pub(crate) fn few(options: EventStoreOptions) -> EventStoreOptions {
    options.connections(2)
}
