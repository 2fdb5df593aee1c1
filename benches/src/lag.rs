//! From an acknowledged command to the visible view, at 200 commands/s.

use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::prelude::*;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::{
    Failure,
    domain::{AddLine, OrderId, OrderSummary},
    figures::{median, millis, percentile},
    places::{Folder, Place},
};

const COMMANDS: u32 = 1_000;
const EVERY: Duration = Duration::from_millis(5);

pub(crate) async fn run(rounds: usize) -> Result<(), Failure> {
    println!(
        "\nWrite to visible: from the receipt to a view at least as fresh, at 200 commands/s (median of {rounds} rounds)\n"
    );
    println!("{:<8} {:<14} {:>8} {:>8} {:>8}", "store", "processes", "p50 ms", "p99 ms", "max ms");
    for (place, two) in [(Place::Memory, false), (Place::Sqlite, false), (Place::Sqlite, true)] {
        let mut rows = Vec::new();
        for _ in 0..rounds {
            rows.push(if two { between_two(place).await? } else { in_one(place).await? });
        }
        let of = |share: f64| median(rows.iter().map(|times| millis(percentile(times, share))).collect());
        let processes = if two { "two" } else { "one" };
        println!("{:<8} {processes:<14} {:>8.2} {:>8.2} {:>8.2}", place.name(), of(0.5), of(0.99), of(1.0));
    }
    Ok(())
}

async fn in_one(place: Place) -> Result<Vec<Duration>, Failure> {
    let folder = Folder::new()?;
    let (log, views) = (place.log(&folder).await?, place.views(&folder).await?);
    let app = App::builder(log).projection::<OrderSummary>(Arc::clone(&views)).build().await?;
    let times = measure(&app, &Views::new(views)).await?;
    app.shutdown().await;
    Ok(times)
}

/// Commands and queries here, the projection in a process of its own.
async fn between_two(place: Place) -> Result<Vec<Duration>, Failure> {
    let folder = Folder::new()?;
    let app = App::builder(place.log(&folder).await?).build().await?;
    let views = Views::new(place.views(&folder).await?);
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .arg("--projector")
        .args([folder.write(), folder.read()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut ready = String::new();
    BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut ready).await?;
    let times = measure(&app, &views).await?;
    drop(child.stdin.take());
    child.wait().await?;
    Ok(times)
}

/// Runs the projections until the input ends: the other process of [`between_two`].
pub(crate) async fn projector(write: &Path, read: &Path) -> Result<(), Failure> {
    let log = cqrs_sqlite::SqliteEventStore::open(write).await?;
    let views = cqrs_sqlite::SqliteViewStore::open(read).await?;
    let app = App::builder(log).projection::<OrderSummary>(views).build().await?;
    println!("ready");
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    app.shutdown().await;
    Ok(())
}

async fn measure(app: &App, views: &Views) -> Result<Vec<Duration>, Failure> {
    let mut ticks = tokio::time::interval(EVERY);
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..COMMANDS {
        ticks.tick().await;
        let (app, views) = (app.clone(), views.clone());
        waiting.spawn(async move {
            let order = OrderId::new(format!("order-{}", number / 6))?;
            let receipt = app.execute(AddLine { order: order.clone(), number: number.into() }).await?;
            let acknowledged = Instant::now();
            let answer = views
                .view::<OrderSummary>(&order)
                .at_least(&receipt.token)
                .within(Duration::from_secs(5))
                .await?;
            let took = acknowledged.elapsed();
            answer.as_ref().ok_or("the view is missing")?;
            Ok::<_, Failure>(took)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = waiting.join_next().await {
        times.push(task??);
    }
    times.sort_unstable();
    Ok(times)
}
