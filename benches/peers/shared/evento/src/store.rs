#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

#[cfg(feature = "postgres")]
mod postgres {
    use std::str::FromStr as _;

    use evento::migrator::{Migrate as _, Plan};
    use peers_harness::Failure;
    use sqlx::{
        PgPool, Postgres,
        postgres::{PgConnectOptions, PgPoolOptions},
    };

    /// A database on PostgreSQL with evento's tables.
    pub struct PostgresStore {
        pub executor: evento::Postgres,
        pub(crate) pool: PgPool,
    }

    impl PostgresStore {
        /// So many connections, all connected from the start, and without a ping before each use, which would cost a
        /// round trip.
        pub async fn open(place: &str, connections: usize) -> Result<Self, Failure> {
            let connections = u32::try_from(connections)?;
            let pool = PgPoolOptions::new()
                .min_connections(connections)
                .max_connections(connections)
                .test_before_acquire(false)
                .connect_with(PgConnectOptions::from_str(place)?)
                .await?;
            let mut connection = pool.acquire().await?;
            evento::sql_migrator::new::<Postgres>()?.run(&mut *connection, &Plan::apply_all()).await?;
            drop(connection);
            Ok(Self { executor: pool.clone().into(), pool })
        }

        /// Runs one statement beside evento.
        pub async fn execute(&self, sql: &'static str) -> Result<(), Failure> {
            sqlx::query(sql).execute(&self.pool).await?;
            Ok(())
        }

        /// How many snapshots there are.
        pub async fn snapshots(&self) -> Result<i64, Failure> {
            Ok(sqlx::query_scalar("SELECT count(*) FROM snapshot").fetch_one(&self.pool).await?)
        }

        pub async fn close(self) {
            self.pool.close().await;
        }
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use evento::{
        Rw, Sqlite as Executor,
        migrator::{Migrate as _, Plan},
    };
    use peers_harness::Failure;
    use sqlx::{
        Sqlite, SqlitePool,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    };

    /// A file with evento's tables.
    pub struct SqliteStore {
        pub executor: Rw<Executor, Executor>,
        writer: SqlitePool,
        readers: SqlitePool,
    }

    impl SqliteStore {
        /// One connection that writes, so that none waits for the lock of another one, and up to four that read.
        pub async fn open(file: &str, tasks: usize) -> Result<Self, Failure> {
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let pool = |connections: u32| {
                SqlitePoolOptions::new()
                    .min_connections(connections)
                    .max_connections(connections)
                    .test_before_acquire(false)
            };
            let writer = pool(1).connect_with(options.clone()).await?;
            let mut connection = writer.acquire().await?;
            evento::sql_migrator::new::<Sqlite>()?.run(&mut *connection, &Plan::apply_all()).await?;
            drop(connection);
            let readers = pool(u32::try_from(tasks.clamp(1, 4))?).connect_with(options).await?;
            let executor = (Executor::from(readers.clone()), Executor::from(writer.clone())).into();
            Ok(Self { executor, writer, readers })
        }

        pub async fn close(self) {
            self.readers.close().await;
            self.writer.close().await;
        }
    }
}
