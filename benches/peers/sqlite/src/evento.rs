use peers_evento::SqliteStore;
use peers_harness::{Contender, Failure};
use uuid::Uuid;

/// One connection that writes and several that read (`RwSqlite`), with a write-ahead log and `synchronous=FULL`.
pub(crate) struct Evento(SqliteStore);

impl Contender for Evento {
    const NAME: &'static str = "evento";
    const CHECK: &'static str =
        "SELECT count(*), min(version), max(version) FROM event GROUP BY aggregator_id";

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        Ok(Self(SqliteStore::open(place, tasks).await?))
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        peers_evento::execute(&self.0.executor, order, number).await
    }

    async fn close(self) {
        self.0.close().await;
    }
}
