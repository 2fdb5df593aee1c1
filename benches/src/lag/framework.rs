//! The framework's own way from a command to its view.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Processes, ticks::ticks};
use crate::{
    Failure,
    domain::{AddLine, COMMANDS_PER_STREAM, OrderId, OrderSummary},
    places::Location,
    worker::{Job, Orders, Worker},
};

/// Runs the projection in a process of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Projector {
    log: Location,
    views: Location,
}

pub(crate) async fn project(Projector { log, views }: Projector, mut orders: Orders) -> Result<(), Failure> {
    let app = App::builder(log.log().await?).projection::<OrderSummary>(views.views().await?).build().await?;
    orders.ready_until_the_end().await?;
    app.shutdown().await;
    Ok(())
}

pub(super) async fn measure(
    log: &Location,
    views: &Location,
    processes: Processes,
    commands: u64,
) -> Result<Vec<Duration>, Failure> {
    let store = views.views().await?;
    let builder = App::builder(log.log().await?);
    match processes {
        Processes::One => {
            let app = builder.projection::<OrderSummary>(Arc::clone(&store)).build().await?;
            let times = run(&app, &Views::new(store), commands).await?;
            app.shutdown().await;
            Ok(times)
        }
        Processes::Two => {
            let projector = Projector { log: log.clone(), views: views.clone() };
            let projector = Worker::start(&Job::Projector(projector)).await?;
            let times = run(&builder.build().await?, &Views::new(store), commands).await?;
            projector.stop().await?;
            Ok(times)
        }
    }
}

async fn run(app: &App, views: &Views, commands: u64) -> Result<Vec<Duration>, Failure> {
    ticks(commands, |number| {
        let (app, views) = (app.clone(), views.clone());
        async move {
            let order = OrderId::new(format!("order-{}", number / COMMANDS_PER_STREAM))?;
            let receipt = app.execute(AddLine { order: order.clone(), number }).await?;
            let acknowledged = Instant::now();
            let answer = views
                .view::<OrderSummary>(&order)
                .at_least(&receipt.token)
                .within(Duration::from_secs(5))
                .await?;
            let took = acknowledged.elapsed();
            let lines = answer.as_ref().map_or(0, |view| view.lines);
            if lines < receipt.version.get() {
                return Err(format!("a view has {lines} lines after {} events", receipt.version).into());
            }
            Ok(took)
        }
    })
    .await
}
