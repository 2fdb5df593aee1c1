use cqrs_core::{app::IntoEventStore, prelude::*};
use peers_harness::Failure;
use uuid::Uuid;

use crate::{AddLine, OrderId, PlaceOrder};

/// Commands through [`App::execute`].
#[derive(Debug)]
pub struct Commands {
    app: App,
}

impl Commands {
    /// `hot_aggregates` are kept in memory; with 0, each command loads its aggregate from the store.
    pub async fn new(store: impl IntoEventStore, hot_aggregates: usize) -> Result<Self, Failure> {
        Ok(Self { app: App::builder(store).hot_aggregates(hot_aggregates).build().await? })
    }

    pub async fn execute(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let order = OrderId(order);
        if number == 0 {
            self.app.execute(PlaceOrder { order }).await?;
        } else {
            self.app.execute(AddLine { order, number }).await?;
        }
        Ok(())
    }

    pub async fn close(self) {
        self.app.shutdown().await;
    }
}
