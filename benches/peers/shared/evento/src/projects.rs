use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use evento::{
    Aggregate as _, AggregateEvent, Executor,
    metadata::Event,
    subscription::{Context, SubscriptionBuilder},
};
use peers_harness::{Failure, Layout, Line};
use sqlx::PgPool;
use ulid::Ulid;
use uuid::Uuid;

use crate::{
    PostgresStore,
    domain::{LineAdded, OrderEvents, Placed},
};

/// Adds a line to the row of its order.
const UPSERT: &str = "
    INSERT INTO order_summary (order_id, customer, lines, cents, last_sku) VALUES ($1, $2, 1, $3, $4)
    ON CONFLICT (order_id) DO UPDATE SET
        lines = order_summary.lines + 1,
        cents = order_summary.cents + excluded.cents,
        last_sku = excluded.last_sku";

/// Writes a backlog that is an hour old, an event a millisecond: past the margin within which a subscription waits for
/// slower writers.
pub async fn backlog<E: Executor>(executor: &E, layout: Layout, events: u32) -> Result<(), Failure> {
    let begin = (SystemTime::now() - Duration::from_hours(1)).duration_since(UNIX_EPOCH)?;
    let mut new = Vec::new();
    for (millis, (order, number)) in layout.events(events).enumerate() {
        let at = begin + Duration::from_millis(u64::try_from(millis)?);
        let line = Line::sample(number);
        let (name, data) = if number == 0 {
            (Placed::event_name(), bitcode::encode(&Placed { line }))
        } else {
            (LineAdded::event_name(), bitcode::encode(&LineAdded { line }))
        };
        new.push(evento::Event {
            id: Ulid::generate(),
            aggregate_id: Uuid::from_u128(order.into()).to_string(),
            aggregate_type: OrderEvents::aggregate_type().to_owned(),
            version: u16::try_from(number + 1)?,
            name: name.to_owned(),
            data,
            timestamp: at.as_secs(),
            timestamp_subsec: at.subsec_millis(),
            ..Default::default()
        });
        if new.len() == 1_000 {
            executor.replicate(std::mem::take(&mut new)).await?;
        }
    }
    Ok(executor.replicate(new).await?)
}

/// Drains the backlog by a subscription whose handlers write rows.
pub async fn project(store: &PostgresStore) -> Result<Duration, Failure> {
    let started = Instant::now();
    SubscriptionBuilder::new("order-summary")
        .data(store.pool.clone())
        .handler(placed())
        .handler(line_added())
        .chunk_size(1_000)
        .no_retry()
        .run_once(&store.executor)
        .await?;
    Ok(started.elapsed())
}

#[evento::subscription]
async fn placed<E: Executor>(context: &Context<'_, E>, event: Event<Placed>) -> anyhow::Result<()> {
    upsert(&context.extract(), &event.aggregate_id, &event.data.line).await
}

#[evento::subscription]
async fn line_added<E: Executor>(context: &Context<'_, E>, event: Event<LineAdded>) -> anyhow::Result<()> {
    upsert(&context.extract(), &event.aggregate_id, &event.data.line).await
}

async fn upsert(pool: &PgPool, order: &str, line: &Line) -> anyhow::Result<()> {
    sqlx::query(UPSERT)
        .bind(order)
        .bind(&line.customer)
        .bind(line.cents())
        .bind(&line.sku)
        .execute(pool)
        .await?;
    Ok(())
}
