use std::sync::Arc;

use cqrs_core::{domain::Event as _, prelude::*, store::EventStore};
use peers_harness::Failure;
use uuid::Uuid;

use crate::{Import, Inspect, OrderEvent, OrderId};

/// Loads one order with many events, by a command that changes nothing.
#[derive(Debug)]
pub struct Loading {
    app: App,
    order: OrderId,
    events: u32,
}

impl Loading {
    /// Writes the order. Its snapshot is taken beside that, and may be there a moment later.
    pub async fn new(store: Arc<dyn EventStore>, events: u32) -> Result<Self, Failure> {
        let app = App::builder(store).hot_aggregates(0).build().await?;
        let order = OrderId(Uuid::now_v7());
        app.execute(Import { order, lines: events }).await?;
        Ok(Self { app, order, events })
    }

    /// Makes each load read all events.
    pub async fn drop_snapshots(&self) -> Result<(), Failure> {
        Ok(self.app.event_store().drop_snapshots(OrderEvent::STREAM).await?)
    }

    /// Fails unless all events were folded.
    pub async fn load(&self) -> Result<u32, Failure> {
        self.app.execute(Inspect { order: self.order, lines: self.events }).await?;
        Ok(self.events)
    }

    pub async fn close(self) {
        self.app.shutdown().await;
    }
}
