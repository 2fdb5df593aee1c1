use ::disintegrate::{EventSourcedStateStore, EventStore as _, LoadState as _, NoSnapshot};
use disintegrate_postgres::{PgEventId, PgSnapshotter, WithPgSnapshot};
use peers_harness::{Contender as _, Failure, Loads};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    Disintegrate, Store,
    domain::{Order, OrderEvent},
    store::open,
};

type States<S> = EventSourcedStateStore<PgEventId, OrderEvent, Store, S>;

/// One order, with or without a snapshot.
pub(crate) struct DisintegrateLoads {
    states: Kind,
    order: Uuid,
    pool: PgPool,
}

enum Kind {
    Plain(States<NoSnapshot>),
    Kept(States<WithPgSnapshot>),
}

impl Loads for DisintegrateLoads {
    const NAME: &'static str = Disintegrate::NAME;

    async fn setup(place: &str, events: u32, snapshot: bool) -> Result<Self, Failure> {
        let (store, pool) = open(place, 1).await?;
        let order = Uuid::now_v7();
        store
            .append_without_validation(
                (0..events).map(|number| OrderEvent::numbered(order, number)).collect(),
            )
            .await?;
        let states = if snapshot {
            let snapshotter = PgSnapshotter::try_new(pool.clone(), 100).await?;
            Kind::Kept(States::new(store, WithPgSnapshot::new(snapshotter)))
        } else {
            Kind::Plain(States::new(store, NoSnapshot))
        };
        Ok(Self { states, order, pool })
    }

    async fn load(&self) -> Result<u32, Failure> {
        let order = Order::new(self.order);
        let loaded = match &self.states {
            Kind::Plain(states) => states.load(order).await?,
            // The first load takes the snapshot.
            Kind::Kept(states) => states.load(order).await?,
        };
        Ok(loaded.state().totals.lines)
    }

    async fn close(self) {
        self.pool.close().await;
    }
}
