use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::{
    domain::{Event as _, Payload as _},
    envelope::{CommandId, EventId, Json, Metadata, Position, StreamId},
    prelude::*,
    store::{Append, EventStore, NewEvent, Past, ProjectionId, ViewStore},
};
use peers_harness::{Failure, Layout, Line};

use crate::{
    OrderEvent, OrderSummary,
    domain::{LineAdded, OrderPlaced},
};

/// Projects the log of one store into documents of another.
#[derive(Debug)]
pub struct Projection {
    pub log: Arc<dyn EventStore>,
    pub views: Arc<dyn ViewStore>,
}

impl Projection {
    /// Starts the application, and waits until its checkpoint is at the last of so many events.
    pub async fn project(&self, events: u32) -> Result<Duration, Failure> {
        let started = Instant::now();
        let app = App::builder(Arc::clone(&self.log))
            .projection::<OrderSummary>(Arc::clone(&self.views))
            .build()
            .await?;
        let mut news = self.views.watch(&ProjectionId::of::<OrderSummary>());
        let end = Position::new(events.into());
        news.wait_for(|checkpoint| checkpoint.is_some_and(|at| at.position >= end)).await?;
        let took = started.elapsed();
        app.shutdown().await;
        Ok(took)
    }
}

/// Appends a backlog, 500 events at a time.
pub async fn backlog(log: &dyn EventStore, layout: Layout, events: u32) -> Result<(), Failure> {
    let mut new = Vec::new();
    for (order, number) in layout.events(events) {
        let name = if number == 0 { &OrderPlaced::TYPE } else { &LineAdded::TYPE };
        new.push(NewEvent {
            event_id: EventId::generate(),
            stream: StreamId::new(OrderEvent::STREAM, Uuid::from_u128(order.into()).to_string())?,
            name: Cow::Borrowed(name.name),
            schema_version: name.version,
            data: Json::of(&Line::sample(number))?,
        });
        if new.len() == 500 {
            append(log, std::mem::take(&mut new)).await?;
        }
    }
    if !new.is_empty() {
        append(log, new).await?;
    }
    Ok(())
}

async fn append(log: &dyn EventStore, events: Vec<NewEvent>) -> Result<(), Failure> {
    // The store stamps its own time.
    let metadata = Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH);
    log.append(Append { conditions: Vec::new(), past: Past::UNKNOWN, events, metadata, command: None }).await?;
    Ok(())
}
