//! Writing views in bulk.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::connect::connect;
use crate::{Failure, catch_up::Write, domain::OrderSummary};

/// One statement is sent while the other one runs.
const IN_FLIGHT: usize = 2;

/// What one statement writes, column by column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) keys: Vec<&'a str>,
    pub(super) applied: Vec<i64>,
    pub(super) customers: Vec<&'a str>,
    pub(super) lines: Vec<i64>,
    pub(super) totals: Vec<i64>,
    pub(super) skus: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(writes: &'a [Write]) -> Result<Self, Failure> {
        let mut columns = Self::default();
        for Write { key, applied, view } in writes {
            columns.keys.push(key);
            columns.applied.push(i64::try_from(*applied)?);
            columns.customers.push(&view.customer);
            columns.lines.push(i64::try_from(view.lines)?);
            columns.totals.push(view.total_cents);
            columns.skus.push(&view.last_sku);
        }
        Ok(columns)
    }
}

/// Writes all batches, each in a transaction, one behind the other, and checks what came of it.
pub(crate) async fn write(
    url: &str,
    batches: &[Vec<Write>],
    expected: &HashMap<String, OrderSummary>,
) -> Result<Duration, Failure> {
    let connection = connect(url).await?;
    connection.batch_execute(include_str!("views.sql")).await?;
    let upsert = connection.prepare(include_str!("upsert.sql")).await?;
    let batches: Vec<Columns<'_>> =
        batches.iter().map(|writes| Columns::of(writes)).collect::<Result<_, _>>()?;

    let started = Instant::now();
    stream::iter(&batches)
        .map(async |Columns { keys, applied, customers, lines, totals, skus }| {
            connection.execute(&upsert, &[keys, applied, customers, lines, totals, skus]).await
        })
        .buffered(IN_FLIGHT)
        .try_for_each(async |_| Ok(()))
        .await?;
    let took = started.elapsed();

    let rows = connection
        .query("SELECT key, customer, lines, total_cents, last_sku FROM order_summary", &[])
        .await?;
    for row in &rows {
        let view = OrderSummary {
            customer: row.get(1),
            lines: u64::try_from(row.get::<_, i64>(2))?,
            total_cents: row.get(3),
            last_sku: row.get(4),
        };
        if expected.get(row.get::<_, &str>(0)) != Some(&view) {
            return Err("PostgreSQL's limit has written something else".into());
        }
    }
    if rows.len() == expected.len() { Ok(took) } else { Err("PostgreSQL's limit has left views out".into()) }
}
