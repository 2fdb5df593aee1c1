//! The framework's own way from a command to its view.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::{
    prelude::*,
    runtime::RuntimeOptions,
    store::{ProjectionId, ViewStore},
};
use serde::{Deserialize, Serialize};

use super::{Apart, reader, ticks::ticks};
use crate::{
    Failure,
    domain::{AddLine, COMMANDS_PER_STREAM, OrderEvent, OrderId, OrderSummary},
    places::Location,
    worker::{Job, Orders, Worker},
};

/// How long a reader waits before the measurement fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the projection in a process of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Projector(Way);

pub(crate) async fn project(Projector(way): Projector, mut orders: Orders) -> Result<(), Failure> {
    let app = way.projecting(way.views.views().await?).await?;
    orders.ready_until_the_end().await?;
    app.shutdown().await;
    Ok(())
}

/// From a log to views.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Way {
    pub(super) log: Location,
    pub(super) views: Location,
    pub(super) partitions: u16,
}

impl Way {
    /// An application that keeps the views up to date, once they are divided.
    async fn projecting(&self, views: Arc<dyn ViewStore>) -> Result<App, Failure> {
        let options = RuntimeOptions::default().partitions(self.partitions);
        let builder = App::builder(self.log.log().await?).runtime(options);
        let app = builder.projection::<OrderSummary>(Arc::clone(&views)).build().await?;
        let mut news = views.watch(&ProjectionId::of::<OrderSummary>());
        news.wait_for(|at| at.is_some_and(|at| at.partitions == self.partitions)).await?;
        Ok(app)
    }

    pub(super) async fn measure(&self, apart: Apart, commands: u64) -> Result<Vec<Duration>, Failure> {
        let store = self.views.views().await?;
        match apart {
            Apart::Nothing => {
                let app = self.projecting(Arc::clone(&store)).await?;
                let times = run(&app, &Views::new(store), commands).await?;
                app.shutdown().await;
                Ok(times)
            }
            Apart::Projector => {
                let projector = Worker::start(&Job::Projector(Projector(self.clone()))).await?;
                let app = App::builder(self.log.log().await?).build().await?;
                let times = run(&app, &Views::new(store), commands).await?;
                projector.stop().await?;
                Ok(times)
            }
            Apart::Reader => {
                let app = self.projecting(store).await?;
                let times = reader::measure(&app, &self.views, commands).await?;
                app.shutdown().await;
                Ok(times)
            }
        }
    }
}

/// Executes the command with this number.
pub(super) async fn execute(app: &App, number: u64) -> Result<(OrderId, Receipt<OrderEvent>), Failure> {
    let order = OrderId::new(format!("order-{}", number / COMMANDS_PER_STREAM))?;
    let receipt = app.execute(AddLine { order: order.clone(), number }).await?;
    Ok((order, receipt))
}

/// Waits for what a token names, which an order's event of this version led to.
pub(super) async fn see(views: &Views, order: &OrderId, token: &Token, version: u64) -> Result<(), Failure> {
    let answer = views.view::<OrderSummary>(order).at_least(token).within(PATIENCE).await?;
    let lines = answer.as_ref().map_or(0, |view| view.lines);
    if lines < version {
        return Err(format!("a view has {lines} lines after {version} events").into());
    }
    Ok(())
}

/// Executes and waits.
async fn run(app: &App, views: &Views, commands: u64) -> Result<Vec<Duration>, Failure> {
    ticks(commands, |number| {
        let (app, views) = (app.clone(), views.clone());
        async move {
            let (order, receipt) = execute(&app, number).await?;
            let acknowledged = Instant::now();
            see(&views, &order, &receipt.token, receipt.version.get()).await?;
            Ok(acknowledged.elapsed())
        }
    })
    .await
}
