use cqrs_sqlite::SqliteEventStore;
use peers_harness::{Contender, Failure};
use peers_ours::Commands;
use uuid::Uuid;

const VERSIONS: &str = "SELECT count(*), min(version), max(version) FROM events GROUP BY category, stream_id";

/// As it is by default: 1,024 aggregates are kept in memory, each commit waits for the disk (`synchronous=FULL`).
pub(crate) struct Cached(Commands);

impl Contender for Cached {
    const NAME: &'static str = "cqrs";
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, _: usize) -> Result<Self, Failure> {
        Ok(Self(Commands::new(SqliteEventStore::open(place).await?, 1_024).await?))
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
    const NAME: &'static str = "cqrs, uncached";
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, _: usize) -> Result<Self, Failure> {
        Ok(Self(Commands::new(SqliteEventStore::open(place).await?, 0).await?))
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        self.0.execute(order, number).await
    }

    async fn close(self) {
        self.0.close().await;
    }
}
