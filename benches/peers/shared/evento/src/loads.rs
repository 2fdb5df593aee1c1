use evento::Executor;
use peers_harness::{Failure, Line};
use uuid::Uuid;

use crate::domain::{LineAdded, Placed, kept_orders, orders};

/// Writes one order that has many events at once.
pub async fn import<E: Executor>(executor: &E, order: Uuid, events: u32) -> Result<(), Failure> {
    let mut writing = evento::append(order.to_string());
    writing.event(&Placed { line: Line::sample(0) });
    for number in 1..events {
        writing.event(&LineAdded { line: Line::sample(number) });
    }
    writing.commit(executor).await?;
    Ok(())
}

pub async fn load<E: Executor>(executor: &E, order: Uuid) -> Result<u32, Failure> {
    let order = orders::<E>().load(order).execute(executor).await?.ok_or("the order is missing")?;
    Ok(order.totals.lines)
}

/// The first load takes the snapshot.
pub async fn load_with_snapshot<E: Executor>(executor: &E, order: Uuid) -> Result<u32, Failure> {
    let order = kept_orders::<E>().load(order).execute(executor).await?.ok_or("the order is missing")?;
    Ok(order.totals.lines)
}
