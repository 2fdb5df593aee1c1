use peers_harness::{Contender, Failure};
use uuid::Uuid;

use super::{INSERT, LOG, VERSIONS, connections::Connections, data, name};

/// An `INSERT` that commits by itself, for each command. Nothing is loaded.
pub(crate) struct BareInsert {
    connections: Connections,
}

impl Contender for BareInsert {
    const NAME: &'static str = "limit a: INSERT";
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, tasks: usize) -> Result<Self, Failure> {
        super::connections::connect(place).await?.batch_execute(LOG).await?;
        Ok(Self { connections: Connections::open(place, tasks, &[INSERT]).await? })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let version = i64::from(number) + 1;
        let (name, data) = (name(number), data(number)?);
        let connection = self.connections.get().await?;
        connection.client.execute(&connection.statements[0], &[&order, &version, &name, &data]).await?;
        Ok(())
    }

    async fn close(self) {}
}
