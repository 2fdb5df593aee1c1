use esrs::{
    Aggregate, AggregateState,
    manager::AggregateManager,
    store::{
        EventStore as _,
        postgres::{PgStore, PgStoreBuilder, UuidFormat},
    },
};
use peers_harness::{Contender, Failure, Line, Loads, OutOfOrder, Totals};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::pool::pool;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum OrderEvent {
    Placed(Line),
    LineAdded(Line),
}

#[derive(Debug)]
enum OrderCommand {
    Place,
    AddLine { number: u32 },
}

struct Order;

impl Aggregate for Order {
    const NAME: &'static str = "orders";
    type State = Totals;
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OutOfOrder;

    fn handle_command(totals: &Totals, command: OrderCommand) -> Result<Vec<OrderEvent>, OutOfOrder> {
        Ok(vec![match command {
            OrderCommand::Place => {
                totals.expect(0)?;
                OrderEvent::Placed(Line::sample(0))
            }
            OrderCommand::AddLine { number } => {
                totals.expect(number)?;
                OrderEvent::LineAdded(Line::sample(number))
            }
        }])
    }

    fn apply_event(mut totals: Totals, event: OrderEvent) -> Totals {
        let (OrderEvent::Placed(line) | OrderEvent::LineAdded(line)) = event;
        totals.add(&line);
        totals
    }
}

/// With optimistic concurrency, which needs no lock, and event ids that grow.
pub(crate) struct Esrs {
    store: PgStore<Order>,
    manager: AggregateManager<PgStore<Order>>,
    pool: PgPool,
}

impl Esrs {
    async fn open(place: &str, tasks: usize) -> Result<Self, Failure> {
        let pool = pool(place, tasks).await?;
        let store =
            PgStoreBuilder::new(pool.clone()).with_event_id_format(UuidFormat::V7).try_build().await?;
        Ok(Self { manager: AggregateManager::new(store.clone()), store, pool })
    }
}

impl Contender for Esrs {
    const NAME: &'static str = "esrs";
    const CHECK: &'static str = "SELECT count(*), min(sequence_number), max(sequence_number) FROM orders_events GROUP BY aggregate_id";

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        Self::open(place, tasks).await
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let state = self.manager.load(order).await?.unwrap_or_else(|| AggregateState::with_id(order));
        let command = if number == 0 { OrderCommand::Place } else { OrderCommand::AddLine { number } };
        self.manager.handle_command(state, command).await??;
        Ok(())
    }

    async fn close(self) {
        self.pool.close().await;
    }
}

/// One order; there are no snapshots.
pub(crate) struct EsrsLoads {
    esrs: Esrs,
    order: Uuid,
}

impl Loads for EsrsLoads {
    const NAME: &'static str = Esrs::NAME;
    const SNAPSHOTS: bool = false;

    async fn setup(place: &str, events: u32, _: bool) -> Result<Self, Failure> {
        let esrs = Esrs::open(place, 1).await?;
        let order = Uuid::now_v7();
        let lines = (1..events).map(|number| OrderEvent::LineAdded(Line::sample(number)));
        let events = std::iter::once(OrderEvent::Placed(Line::sample(0))).chain(lines).collect();
        esrs.store.persist(&mut AggregateState::with_id(order), events).await?;
        Ok(Self { esrs, order })
    }

    async fn load(&self) -> Result<u32, Failure> {
        let state = self.esrs.manager.load(self.order).await?.ok_or("the order is missing")?;
        Ok(state.inner().lines)
    }

    async fn close(self) {
        self.esrs.pool.close().await;
    }
}
