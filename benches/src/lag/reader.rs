//! A reader in a process of its own, which has the read store alone.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use cqrs_core::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, task::JoinSet};

use super::{
    framework::{execute, see},
    ticks::{counts, ticks},
};
use crate::{
    Failure,
    domain::OrderId,
    places::Location,
    worker::{Job, Orders, Worker},
};

/// Waits for what it gets tokens of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reader {
    views: Location,
}

/// One of them.
#[derive(Serialize, Deserialize)]
struct Wait {
    order: OrderId,
    version: u64,
    token: Token,
    /// By the clock that all processes of a machine share.
    acknowledged: SystemTime,
    /// It is measured.
    counts: bool,
}

/// The reader's own process.
pub(crate) async fn read(Reader { views }: Reader, mut orders: Orders) -> Result<Vec<Duration>, Failure> {
    let views = Views::new(views.views().await?);
    Orders::say_ready();
    let mut waiting = JoinSet::new();
    while let Some(Wait { order, version, token, acknowledged, counts }) = orders.next().await? {
        let views = views.clone();
        waiting.spawn(async move {
            see(&views, &order, &token, version).await?;
            Ok::<_, Failure>((counts, acknowledged.elapsed()?))
        });
    }
    let mut times = Vec::new();
    while let Some(task) = waiting.join_next().await {
        let (counts, took) = task??;
        if counts {
            times.push(took);
        }
    }
    Ok(times)
}

/// Executes here, and has the reader wait for what comes of it.
pub(super) async fn measure(app: &App, views: &Location, commands: u64) -> Result<Vec<Duration>, Failure> {
    let reader = Worker::start(&Job::Reader(Reader { views: views.clone() })).await?;
    let reader = Arc::new(Mutex::new(reader));
    ticks(commands, |number| {
        let (app, reader) = (app.clone(), Arc::clone(&reader));
        async move {
            let (order, receipt) = execute(&app, number).await?;
            let (version, token) = (receipt.version.get(), receipt.token);
            let acknowledged = SystemTime::now();
            let wait = Wait { order, version, token, acknowledged, counts: counts(number) };
            reader.lock().await.give(&wait).await
        }
    })
    .await?;
    let reader = Arc::into_inner(reader).ok_or("somebody still talks to the reader")?;
    reader.into_inner().sum().await
}
