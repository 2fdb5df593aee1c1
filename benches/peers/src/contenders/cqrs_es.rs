use std::collections::HashMap;

use cqrs_es::{
    Aggregate, AggregateContext as _, DomainEvent, EventStore as _, event_sink::EventSink,
    persist::PersistedEventStore,
};
use peers_harness::{Contender, Failure, Line, Loads, OutOfOrder, Totals};
use postgres_es::{PostgresCqrs, PostgresEventRepository};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::pool::pool;

/// The tables of the crate's `db/init.sql`.
const TABLES: [&str; 2] = [
    "CREATE TABLE events (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL,
        event_version text NOT NULL,
        payload json NOT NULL,
        metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    )",
    "CREATE TABLE snapshots (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
    )",
];

/// A snapshot each so many events, as in the crate's own example.
const SNAPSHOT_EVERY: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum OrderEvent {
    Placed(Line),
    LineAdded(Line),
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Placed(_) => "OrderPlaced".to_owned(),
            Self::LineAdded(_) => "LineAdded".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug)]
enum OrderCommand {
    Place,
    AddLine { number: u32 },
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Order {
    totals: Totals,
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OutOfOrder;
    type Services = ();

    async fn handle(
        &mut self,
        command: OrderCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), OutOfOrder> {
        let event = match command {
            OrderCommand::Place => {
                self.totals.expect(0)?;
                OrderEvent::Placed(Line::sample(0))
            }
            OrderCommand::AddLine { number } => {
                self.totals.expect(number)?;
                OrderEvent::LineAdded(Line::sample(number))
            }
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        let (OrderEvent::Placed(line) | OrderEvent::LineAdded(line)) = event;
        self.totals.add(&line);
    }
}

/// Without snapshots, which cost two more statements a command.
pub(crate) struct CqrsEs {
    framework: PostgresCqrs<Order>,
    pool: PgPool,
}

async fn tables(pool: &PgPool) -> Result<(), Failure> {
    for table in TABLES {
        sqlx::query(table).execute(pool).await?;
    }
    Ok(())
}

impl Contender for CqrsEs {
    const NAME: &'static str = "cqrs-es";
    const CHECK: &'static str =
        "SELECT count(*), min(sequence), max(sequence) FROM events GROUP BY aggregate_id";

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        let pool = pool(place, tasks).await?;
        tables(&pool).await?;
        let framework = postgres_es::postgres_cqrs(pool.clone(), Vec::new(), ());
        Ok(Self { framework, pool })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let command = if number == 0 { OrderCommand::Place } else { OrderCommand::AddLine { number } };
        Ok(self.framework.execute(&order.to_string(), command).await?)
    }

    async fn close(self) {
        self.pool.close().await;
    }
}

type Store = PersistedEventStore<PostgresEventRepository, Order>;

/// One order, with or without a snapshot.
pub(crate) struct CqrsEsLoads {
    store: Store,
    pool: PgPool,
    order: String,
}

impl Loads for CqrsEsLoads {
    const NAME: &'static str = CqrsEs::NAME;

    async fn setup(place: &str, events: u32, snapshot: bool) -> Result<Self, Failure> {
        let pool = pool(place, 1).await?;
        tables(&pool).await?;
        let repository = PostgresEventRepository::new(pool.clone());
        let store = if snapshot {
            Store::new_snapshot_store(repository, SNAPSHOT_EVERY)
        } else {
            Store::new_event_store(repository)
        };
        let order = Uuid::now_v7().to_string();
        // Not by a command: 0.5.0 folds a command's events into a snapshot twice, by `EventSink::write` and again when
        // it commits.
        let empty = store.load_aggregate(&order).await?;
        let lines = (1..events).map(|number| OrderEvent::LineAdded(Line::sample(number)));
        let events = std::iter::once(OrderEvent::Placed(Line::sample(0))).chain(lines).collect();
        store.commit(events, empty, HashMap::new()).await?;
        Ok(Self { store, pool, order })
    }

    async fn load(&self) -> Result<u32, Failure> {
        Ok(self.store.load_aggregate(&self.order).await?.aggregate().totals.lines)
    }

    async fn close(self) {
        self.pool.close().await;
    }
}
