use std::{sync::Arc, time::Duration};

use cqrs_postgres::{PostgresEventStore, PostgresViewStore};
use peers_harness::{Contender, Failure, Layout, Loads, Projects};
use peers_ours::{Commands, Loading, Projection};
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::{CACHED, UNCACHED};

const VERSIONS: &str = "SELECT count(*), min(version), max(version) FROM cqrs.events GROUP BY category, stream_id";

/// As it is by default: the last 1,024 aggregates are kept in memory, and up to nine connections are used.
pub(crate) struct Cached(Commands);

impl Contender for Cached {
    const NAME: &'static str = CACHED;
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, _: usize) -> Result<Self, Failure> {
        Ok(Self(Commands::new(PostgresEventStore::connect(place).await?, 1_024).await?))
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        self.0.execute(order, number).await
    }

    async fn close(self) {
        self.0.close().await;
    }
}

/// Without aggregates in memory: each command reads its stream.
pub(crate) struct Uncached(Commands);

impl Contender for Uncached {
    const NAME: &'static str = UNCACHED;
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, _: usize) -> Result<Self, Failure> {
        Ok(Self(Commands::new(PostgresEventStore::connect(place).await?, 0).await?))
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        self.0.execute(order, number).await
    }

    async fn close(self) {
        self.0.close().await;
    }
}

/// One order, with a snapshot or without.
pub(crate) struct OursLoads(Loading);

impl Loads for OursLoads {
    const NAME: &'static str = UNCACHED;

    async fn setup(place: &str, events: u32, snapshot: bool) -> Result<Self, Failure> {
        let loading = Loading::new(Arc::new(PostgresEventStore::connect(place).await?), events).await?;
        snapshot_is_saved(place).await?;
        if !snapshot {
            loading.drop_snapshots().await?;
        }
        Ok(Self(loading))
    }

    async fn load(&self) -> Result<u32, Failure> {
        self.0.load().await
    }

    async fn close(self) {
        self.0.close().await;
    }
}

/// It is saved beside the command that made it due.
async fn snapshot_is_saved(place: &str) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(place, NoTls).await?;
    tokio::spawn(connection);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..2_000 {
        ticks.tick().await;
        if client.query_one("SELECT count(*) FROM cqrs.snapshots", &[]).await?.try_get::<_, i64>(0)? > 0 {
            return Ok(());
        }
    }
    Err("no snapshot was saved".into())
}

/// A projection whose documents are in the same database as the log, in batches of 1,000.
pub(crate) struct OursProjects(Projection);

impl Projects for OursProjects {
    const NAME: &'static str = CACHED;
    const CHECK: &'static str =
        "SELECT count(*), sum((data -> 'totals' ->> 'lines')::bigint)::bigint FROM cqrs_views.order_summary_v1";
    const BACKLOG: u32 = 100_000;

    async fn setup(place: &str, layout: Layout, events: u32) -> Result<Self, Failure> {
        let log = Arc::new(PostgresEventStore::connect(place).await?);
        let views = Arc::new(PostgresViewStore::connect(place).await?);
        peers_ours::backlog(&*log, layout, events).await?;
        Ok(Self(Projection { log, views }))
    }

    async fn project(&self, events: u32) -> Result<Duration, Failure> {
        self.0.project(events).await
    }

    async fn close(self) {}
}
