use std::time::Duration;

use peers_evento::PostgresStore;
use peers_harness::{Contender, Failure, Layout, Loads, Projects};
use uuid::Uuid;

use super::pool::MOST;

/// Without snapshots in the commands: with them, each load asks for one in vain.
pub(crate) struct Evento {
    store: PostgresStore,
}

impl Contender for Evento {
    const NAME: &'static str = "evento";
    const CHECK: &'static str =
        "SELECT count(*), min(version), max(version) FROM event GROUP BY aggregator_id";

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        Ok(Self { store: PostgresStore::open(place, tasks.clamp(1, MOST)).await? })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        peers_evento::execute(&self.store.executor, order, number).await
    }

    async fn close(self) {
        self.store.close().await;
    }
}

/// One order, with or without a snapshot.
pub(crate) struct EventoLoads {
    store: PostgresStore,
    order: Uuid,
    snapshot: bool,
}

impl Loads for EventoLoads {
    const NAME: &'static str = Evento::NAME;

    async fn setup(place: &str, events: u32, snapshot: bool) -> Result<Self, Failure> {
        let store = PostgresStore::open(place, 1).await?;
        let order = Uuid::now_v7();
        peers_evento::import(&store.executor, order, events).await?;
        if snapshot {
            // A load takes a snapshot of what is older than the margin within which evento waits for slower writers.
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            while store.snapshots().await? == 0 {
                ticks.tick().await;
                peers_evento::load_with_snapshot(&store.executor, order).await?;
            }
        }
        Ok(Self { store, order, snapshot })
    }

    async fn load(&self) -> Result<u32, Failure> {
        if self.snapshot {
            peers_evento::load_with_snapshot(&self.store.executor, self.order).await
        } else {
            peers_evento::load(&self.store.executor, self.order).await
        }
    }

    async fn close(self) {
        self.store.close().await;
    }
}

/// A subscription whose handlers upsert a row for each event.
pub(crate) struct EventoProjects {
    store: PostgresStore,
}

impl Projects for EventoProjects {
    const NAME: &'static str = Evento::NAME;
    const CHECK: &'static str = super::SUMMARIES;
    const BACKLOG: u32 = 10_000;

    async fn setup(place: &str, layout: Layout, events: u32) -> Result<Self, Failure> {
        let store = PostgresStore::open(place, 2).await?;
        store.execute(super::SUMMARY).await?;
        peers_evento::backlog(&store.executor, layout, events).await?;
        Ok(Self { store })
    }

    async fn project(&self, _: u32) -> Result<Duration, Failure> {
        peers_evento::project(&self.store).await
    }

    async fn close(self) {
        self.store.close().await;
    }
}
