use peers_harness::{Contender, Failure, Line, Totals};
use uuid::Uuid;

use super::{INSERT, LOG, VERSIONS, connections::Connections, data, name};

pub(super) const SELECT: &str = "SELECT data FROM log WHERE stream = $1 ORDER BY version";

/// `BEGIN`, `SELECT`, `INSERT`, `COMMIT` for each command: four round trips.
pub(crate) struct Transaction {
    connections: Connections,
}

impl Contender for Transaction {
    const NAME: &'static str = "limit b: transaction";
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        super::connections::connect(place).await?.batch_execute(LOG).await?;
        Ok(Self { connections: Connections::open(place, tasks, &[SELECT, INSERT]).await? })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let connection = self.connections.get().await?;
        let client = &connection.client;
        client.batch_execute("BEGIN").await?;
        let mut totals = Totals::default();
        for row in client.query(&connection.statements[0], &[&order]).await? {
            totals.add(&serde_json::from_str::<Line>(row.try_get(0)?)?);
        }
        totals.expect(number)?;
        let version = i64::from(number) + 1;
        client.execute(&connection.statements[1], &[&order, &version, &name(number), &data(number)?]).await?;
        client.batch_execute("COMMIT").await?;
        Ok(())
    }

    async fn close(self) {}
}
