//! Commands/s: each loads its aggregate's 0–5 earlier events and appends one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cqrs_core::prelude::*;

use crate::{
    Failure,
    domain::{AddLine, COMMANDS_PER_STREAM, OrderId},
    figures::{grouped, median, millis, per_second, percentile},
    limit::{self, Table},
    places::{Folder, Place},
};

const TASKS: [u64; 4] = [1, 8, 32, 128];

/// What one measurement gave.
struct Figures {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

pub(crate) async fn run(rounds: usize, seconds: f64) -> Result<(), Failure> {
    let time = Duration::from_secs_f64(seconds);
    println!("\nCommands/s: load 0-5 events, append one of about 200 bytes (median of {rounds} rounds)\n");
    println!(
        "{:<8} {:>5} {:>11} {:>8} {:>8}   {:<24} {:<24}",
        "", "", "", "", "", "limit: bare INSERTs", "limit: into the"
    );
    println!(
        "{:<8} {:>5} {:>11} {:>8} {:>8}   {:<24} {:<24}",
        "store", "tasks", "commands/s", "p50 ms", "p99 ms", "into the store's table", "least table"
    );
    for place in Place::ALL {
        for tasks in TASKS {
            let mut figures = Vec::new();
            let mut limits = [Vec::new(), Vec::new()];
            for _ in 0..rounds {
                figures.push(measure(place, tasks, time).await?);
                if place == Place::Sqlite {
                    for (table, limits) in [Table::Own, Table::Least].into_iter().zip(&mut limits) {
                        limits.push(limit(table, tasks, time).await?);
                    }
                }
            }
            let p50 = median(figures.iter().map(|figures| millis(figures.p50)).collect());
            let p99 = median(figures.iter().map(|figures| millis(figures.p99)).collect());
            let commands = median(figures.iter().map(|figures| figures.per_second).collect());
            let [own, least] = limits.map(|limits| share(commands, limits));
            println!(
                "{:<8} {tasks:>5} {:>11} {p50:>8.3} {p99:>8.3}   {own:<24} {least:<24}",
                place.name(),
                grouped(commands)
            );
        }
    }
    println!("\nLimits: at one task one by one, else grouped: as many tasks hand inserts to one connection.");
    Ok(())
}

async fn limit(table: Table, tasks: u64, time: Duration) -> Result<f64, Failure> {
    if tasks == 1 { limit::one_by_one(table, time).await } else { limit::grouped(table, tasks, time).await }
}

/// A limit, and how much of it was reached.
fn share(commands: f64, limits: Vec<f64>) -> String {
    if limits.is_empty() {
        return String::new();
    }
    let limit = median(limits);
    format!("{} ({:.0} %)", grouped(limit), commands / limit * 100.0)
}

async fn measure(place: Place, tasks: u64, time: Duration) -> Result<Figures, Failure> {
    let folder = Folder::new()?;
    let app = App::builder(place.log(&folder).await?).build().await?;
    let streams = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (app, streams) = (app.clone(), Arc::clone(&streams));
        running.spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < time {
                let order = OrderId::new(format!("order-{}", streams.fetch_add(1, Ordering::Relaxed)))?;
                for number in 0..COMMANDS_PER_STREAM {
                    let began = Instant::now();
                    app.execute(AddLine { order: order.clone(), number }).await?;
                    times.push(began.elapsed());
                }
            }
            Ok::<_, Failure>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = running.join_next().await {
        times.extend(task??);
    }
    let took = started.elapsed();
    times.sort_unstable();
    let count = u64::try_from(times.len())?;
    Ok(Figures {
        per_second: per_second(count, took),
        p50: percentile(&times, 0.5),
        p99: percentile(&times, 0.99),
    })
}
