use peers_harness::{Failure, Line, Loads, Totals};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::{LOG, connections::connect, data, name, transaction::SELECT};

const SNAPSHOT: &str = "CREATE TABLE snapshot (stream uuid PRIMARY KEY, data text NOT NULL)";

/// One `SELECT`, of the events or of the snapshot, and what comes back decoded and folded.
pub(crate) struct BareLoad {
    client: Client,
    select: Statement,
    order: Uuid,
    snapshot: bool,
}

impl Loads for BareLoad {
    const NAME: &'static str = "limit: SELECT";

    async fn setup(place: &str, events: u32, snapshot: bool) -> Result<Self, Failure> {
        let client = connect(place).await?;
        client.batch_execute(LOG).await?;
        client.batch_execute(SNAPSHOT).await?;
        let order = Uuid::now_v7();
        let mut totals = Totals::default();
        for number in 0..events {
            totals.add(&Line::sample(number));
            let (version, name, data) = (i64::from(number) + 1, name(number), data(number)?);
            client.execute(super::INSERT, &[&order, &version, &name, &data]).await?;
        }
        let folded = serde_json::to_string(&totals)?;
        client.execute("INSERT INTO snapshot VALUES ($1, $2)", &[&order, &folded]).await?;
        let select = if snapshot { "SELECT data FROM snapshot WHERE stream = $1" } else { SELECT };
        let select = client.prepare(select).await?;
        Ok(Self { client, select, order, snapshot })
    }

    async fn load(&self) -> Result<u32, Failure> {
        let rows = self.client.query(&self.select, &[&self.order]).await?;
        let mut totals = Totals::default();
        for row in rows {
            let data = row.try_get(0)?;
            if self.snapshot {
                totals = serde_json::from_str(data)?;
            } else {
                totals.add(&serde_json::from_str(data)?);
            }
        }
        Ok(totals.lines)
    }

    async fn close(self) {}
}
