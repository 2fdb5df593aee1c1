use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ::disintegrate::{EventListener, EventStore as _, PersistedEvent, StreamQuery, query};
use async_trait::async_trait;
use disintegrate_postgres::{PgEventId, PgEventListener, PgEventListenerConfig};
use peers_harness::{Contender as _, Failure, Layout, Projects};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Disintegrate, Store, domain::OrderEvent, store::open};
use crate::contenders::{SUMMARIES, SUMMARY, UPSERT};

/// An event listener that upserts a row for each event. Its handler gets one event at a time, and no transaction.
pub(crate) struct DisintegrateProjects {
    store: Store,
    pool: PgPool,
}

impl Projects for DisintegrateProjects {
    const NAME: &'static str = Disintegrate::NAME;
    const CHECK: &'static str = SUMMARIES;
    const BACKLOG: u32 = 10_000;

    async fn setup(place: &str, layout: Layout, events: u32) -> Result<Self, Failure> {
        let (store, pool) = open(place, 3).await?;
        sqlx::query(SUMMARY).execute(&pool).await?;
        let events: Vec<_> = layout
            .events(events)
            .map(|(order, number)| OrderEvent::numbered(Uuid::from_u128(order.into()), number))
            .collect();
        for events in events.chunks(1_000) {
            store.append_without_validation(events.to_vec()).await?;
        }
        Ok(Self { store, pool })
    }

    async fn project(&self, events: u32) -> Result<Duration, Failure> {
        let done = Arc::new(Notify::new());
        let summary = Summary {
            query: query!(OrderEvent),
            pool: self.pool.clone(),
            missing: AtomicU32::new(events),
            done: Arc::clone(&done),
        };
        let started = Instant::now();
        let listener = PgEventListener::builder(self.store.clone())
            .register_listener(summary, PgEventListenerConfig::poller(Duration::from_millis(50)));
        let mut took = None;
        let end = async {
            done.notified().await;
            took = Some(started.elapsed());
        };
        let stopping = Arc::new(Notify::new());
        let stop = Arc::clone(&stopping);
        let shutdown = async move { stop.notified().await };
        let ending = async {
            end.await;
            stopping.notify_one();
        };
        let (listened, ()) = tokio::join!(listener.start_with_shutdown(shutdown), ending);
        listened?;
        took.ok_or_else(|| "the listener ended before the backlog did".into())
    }

    async fn close(self) {
        self.pool.close().await;
    }
}

struct Summary {
    query: StreamQuery<PgEventId, OrderEvent>,
    pool: PgPool,
    missing: AtomicU32,
    done: Arc<Notify>,
}

#[async_trait]
impl EventListener<PgEventId, OrderEvent> for Summary {
    type Error = sqlx::Error;

    fn id(&self) -> &'static str {
        "order_summary"
    }

    fn query(&self) -> &StreamQuery<PgEventId, OrderEvent> {
        &self.query
    }

    async fn handle(&self, event: PersistedEvent<PgEventId, OrderEvent>) -> Result<(), sqlx::Error> {
        let (OrderEvent::Placed { order_id, line } | OrderEvent::LineAdded { order_id, line }) = &*event;
        sqlx::query(UPSERT)
            .bind(order_id.to_string())
            .bind(&line.customer)
            .bind(line.cents())
            .bind(&line.sku)
            .execute(&self.pool)
            .await?;
        if self.missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.done.notify_one();
        }
        Ok(())
    }
}
