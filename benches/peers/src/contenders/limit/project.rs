use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use peers_harness::{Failure, Layout, Line, Projects, Totals};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{LOG, connections::connect, data, name};
use crate::contenders::{SUMMARIES, SUMMARY};

const BATCH: i64 = 1_000;

const FILL: &str = "
    INSERT INTO log (stream, version, name, data)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])";

const READ: &str = "SELECT position, stream, data FROM log WHERE position > $1 ORDER BY position LIMIT $2";

/// The rows and the checkpoint, in one statement, which is one transaction.
const WRITE: &str = "
    WITH checkpoint AS (UPDATE checkpoint SET position = $6)
    INSERT INTO order_summary (order_id, customer, lines, cents, last_sku)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
    ON CONFLICT (order_id) DO UPDATE SET
        lines = order_summary.lines + excluded.lines,
        cents = order_summary.cents + excluded.cents,
        last_sku = excluded.last_sku";

/// Reads a thousand events, folds those of one order, and upserts the rows of all by one statement, over and over.
pub(crate) struct BulkUpsert {
    client: Client,
}

impl Projects for BulkUpsert {
    const NAME: &'static str = "limit: bulk upsert";
    const CHECK: &'static str = SUMMARIES;
    const BACKLOG: u32 = 100_000;

    async fn setup(place: &str, layout: Layout, events: u32) -> Result<Self, Failure> {
        let client = connect(place).await?;
        client.batch_execute(LOG).await?;
        client.batch_execute(SUMMARY).await?;
        client.batch_execute("CREATE TABLE checkpoint (position bigint NOT NULL)").await?;
        client.batch_execute("INSERT INTO checkpoint VALUES (0)").await?;
        let backlog: Vec<_> = layout.events(events).collect();
        for events in backlog.chunks(1_000) {
            let (mut orders, mut versions, mut names, mut datas) = (vec![], vec![], vec![], vec![]);
            for &(order, number) in events {
                orders.push(Uuid::from_u128(order.into()));
                versions.push(i64::from(number) + 1);
                names.push(name(number));
                datas.push(data(number)?);
            }
            client.execute(FILL, &[&orders, &versions, &names, &datas]).await?;
        }
        Ok(Self { client })
    }

    async fn project(&self, _: u32) -> Result<Duration, Failure> {
        let started = Instant::now();
        let (read, write) = (self.client.prepare(READ).await?, self.client.prepare(WRITE).await?);
        let mut position = 0_i64;
        loop {
            let rows = self.client.query(&read, &[&position, &BATCH]).await?;
            let Some(last) = rows.last() else { return Ok(started.elapsed()) };
            position = last.try_get(0)?;
            let mut places = HashMap::new();
            let mut folded: Vec<(Uuid, Line, Totals)> = Vec::new();
            for row in &rows {
                let (order, line): (Uuid, Line) = (row.try_get(1)?, serde_json::from_str(row.try_get(2)?)?);
                let place = *places.entry(order).or_insert(folded.len());
                if place == folded.len() {
                    folded.push((order, line.clone(), Totals::default()));
                }
                folded[place].2.add(&line);
                folded[place].1 = line;
            }
            let orders: Vec<_> = folded.iter().map(|(order, ..)| order.to_string()).collect();
            let customers: Vec<_> = folded.iter().map(|(_, line, _)| &line.customer).collect();
            let lines: Vec<_> = folded.iter().map(|(.., totals)| i64::from(totals.lines)).collect();
            let cents: Vec<_> = folded.iter().map(|(.., totals)| totals.cents).collect();
            let skus: Vec<_> = folded.iter().map(|(_, line, _)| &line.sku).collect();
            self.client.execute(&write, &[&orders, &customers, &lines, &cents, &skus, &position]).await?;
        }
    }

    async fn close(self) {}
}
