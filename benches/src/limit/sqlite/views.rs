//! Writing views in bulk.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use crate::{Failure, catch_up::Write, domain::OrderSummary, places::Location};

/// Writes all batches, each in a transaction, and checks what came of it.
pub(crate) async fn write(
    location: &Location,
    batches: Vec<Vec<Write>>,
    expected: HashMap<String, OrderSummary>,
) -> Result<Duration, Failure> {
    let Location::Sqlite(folder) = location else { return Err("the limit of SQLite is SQLite's".into()) };
    let file: PathBuf = folder.join("limit.db");
    tokio::task::spawn_blocking(move || write_to(&file, &batches, &expected)).await?
}

fn write_to(
    file: &Path,
    batches: &[Vec<Write>],
    expected: &HashMap<String, OrderSummary>,
) -> Result<Duration, Failure> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // As the view store does by default: what a loss of power takes is applied again.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.execute_batch(include_str!("views.sql"))?;

    let started = Instant::now();
    for writes in batches {
        let transaction = connection.transaction()?;
        let mut upsert = transaction.prepare_cached(include_str!("upsert.sql"))?;
        for Write { key, applied, view: OrderSummary { customer, lines, total_cents, last_sku } } in writes {
            let (applied, lines) = (i64::try_from(*applied)?, i64::try_from(*lines)?);
            upsert.execute(params![key, applied, customer, lines, total_cents, last_sku])?;
        }
        drop(upsert);
        transaction.commit()?;
    }
    let took = started.elapsed();

    let mut select =
        connection.prepare("SELECT key, customer, lines, total_cents, last_sku FROM order_summary")?;
    let (mut rows, mut written) = (select.query([])?, HashMap::new());
    while let Some(row) = rows.next()? {
        let view = OrderSummary {
            customer: row.get(1)?,
            lines: u64::try_from(row.get::<_, i64>(2)?)?,
            total_cents: row.get(3)?,
            last_sku: row.get(4)?,
        };
        written.insert(row.get(0)?, view);
    }
    if written == *expected { Ok(took) } else { Err("SQLite's limit has written something else".into()) }
}
