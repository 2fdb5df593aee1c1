//! Events/s of a projection that works through a backlog.

use std::{borrow::Cow, sync::Arc, time::Instant};

use cqrs_core::{
    domain::{Event, Payload},
    envelope::{CommandId, EventId, Json, Metadata, Position, StreamId},
    prelude::*,
    store::{Append, EventStore, NewEvent, ProjectionId},
};

use crate::{
    Failure,
    domain::{LineAdded, OrderEvent, OrderSummary},
    figures::{grouped, median, per_second},
    places::{Folder, Place},
};

/// How the events of one order lie in the log.
#[derive(Clone, Copy)]
enum Layout {
    /// Five of one order behind each other.
    Adjacent,
    /// Those of one order far from each other.
    Scattered,
}

pub(crate) async fn run(rounds: usize, backlog: u64) -> Result<(), Failure> {
    println!(
        "\nCatch-up: a projection works through {} events (median of {rounds} rounds)\n",
        grouped(per_one(backlog))
    );
    println!("{:<8} {:<26} {:>10}", "store", "five events an order", "events/s");
    for place in Place::ALL {
        for (layout, name) in
            [(Layout::Adjacent, "one after the other"), (Layout::Scattered, "scattered over the log")]
        {
            let mut figures = Vec::new();
            for _ in 0..rounds {
                figures.push(measure(place, layout, backlog).await?);
            }
            println!("{:<8} {name:<26} {:>10}", place.name(), grouped(median(figures)));
        }
    }
    Ok(())
}

fn per_one(count: u64) -> f64 {
    per_second(count, std::time::Duration::from_secs(1))
}

async fn measure(place: Place, layout: Layout, backlog: u64) -> Result<f64, Failure> {
    let folder = Folder::new()?;
    let (log, views) = (place.log(&folder).await?, place.views(&folder).await?);
    fill(&*log, layout, backlog).await?;

    let started = Instant::now();
    let app = App::builder(Arc::clone(&log)).projection::<OrderSummary>(Arc::clone(&views)).build().await?;
    let mut news = views.watch(&ProjectionId::of::<OrderSummary>());
    news.wait_for(|checkpoint| checkpoint.is_some_and(|at| at.position >= Position::new(backlog))).await?;
    let took = started.elapsed();
    app.shutdown().await;
    Ok(per_second(backlog, took))
}

async fn fill(log: &dyn EventStore, layout: Layout, backlog: u64) -> Result<(), Failure> {
    let orders = backlog.div_ceil(5);
    let mut number = 0;
    while number < backlog {
        let until = backlog.min(number + 500);
        let mut events = Vec::new();
        for number in number..until {
            let order = match layout {
                Layout::Adjacent => number / 5,
                Layout::Scattered => number % orders,
            };
            events.push(NewEvent {
                event_id: EventId::generate(),
                stream: StreamId::new(OrderEvent::STREAM, format!("order-{order}"))?,
                name: Cow::Borrowed(LineAdded::TYPE.name),
                schema_version: LineAdded::TYPE.version,
                data: Json::of(&LineAdded::sample(number))?,
            });
        }
        let metadata = Metadata::of_command(CommandId::generate(), events_time());
        log.append(Append { conditions: Vec::new(), events, metadata, command: None }).await?;
        number = until;
    }
    Ok(())
}

/// The store stamps its own time.
fn events_time() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
