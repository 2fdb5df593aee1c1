use std::sync::atomic::{AtomicU64, Ordering};

use ::disintegrate::{DecisionError, NoSnapshot};
use disintegrate_postgres::{Error, PgDecisionMaker};
use peers_harness::{Contender, Failure, OutOfOrder};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    Json,
    domain::{AddLine, OrderEvent},
    store::open,
};

/// Appends in serializable transactions, which fail one another although no two tasks share an order, and reads up to
/// the first append that is under way, whosever it is, so that an order's own last event may be missing. What failed by
/// that is decided again.
pub(crate) struct Disintegrate {
    decisions: PgDecisionMaker<OrderEvent, Json, NoSnapshot>,
    retries: AtomicU64,
    pool: PgPool,
}

impl Contender for Disintegrate {
    const NAME: &'static str = "disintegrate";
    /// There are no versions: the number of the line tells them.
    const CHECK: &'static str = "
        SELECT count(*), min(number) + 1, max(number) + 1 FROM (
            SELECT order_id, row_number() OVER (PARTITION BY order_id ORDER BY event_id) AS place,
                   jsonb_path_query_first(convert_from(payload, 'UTF8')::jsonb, '$.*.line.number')::bigint AS number
            FROM event
        ) AS numbered GROUP BY order_id";

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        let (store, pool) = open(place, tasks).await?;
        let decisions = disintegrate_postgres::decision_maker(store, NoSnapshot);
        Ok(Self { decisions, retries: AtomicU64::new(0), pool })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        loop {
            match self.decisions.make(AddLine { order_id: order, number }).await {
                Ok(_) => return Ok(()),
                Err(error) if is_conflict(&error) || is_stale(&error) => {
                    self.retries.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    async fn close(self) {
        self.pool.close().await;
    }
}

/// Whether PostgreSQL could not serialise the transaction, at its commit or before.
fn is_conflict<E>(error: &DecisionError<E>) -> bool {
    let (DecisionError::EventStore(source) | DecisionError::StateStore(source)) = error else { return false };
    match source.downcast_ref() {
        Some(Error::Concurrency) => true,
        Some(Error::Database(sqlx::Error::Database(error))) => error.code().as_deref() == Some("40001"),
        _ => false,
    }
}

/// Whether the order's own events, which have been acknowledged, were not there yet.
fn is_stale(error: &DecisionError<OutOfOrder>) -> bool {
    matches!(error, DecisionError::Domain(OutOfOrder { expected, number }) if expected < number)
}
