//! Commands/s in memory and on SQLite, all in this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cqrs_core::prelude::*;

use super::sample::{Done, Medians, Sample};
use crate::{
    Failure, Plan,
    domain::{AddNextLine, COMMANDS_PER_STREAM, OpenOrder, OrderId},
    figures::{grouped, median, percent, short},
    limit::sqlite::{self as limit, LimitTable},
    places::Place,
    rooms::Rooms,
    table::Table,
    verify,
};

pub(super) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let places: Vec<Place> =
        [Place::Memory, Place::Sqlite].into_iter().filter(|place| plan.covers(*place)).collect();
    if places.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(
        format!("Commands/s, embedded (median of {})", plan.rounds),
        ["store, tasks", "commands/s", "p50/p99 ms", "limit", "least limit"],
    );
    for place in places {
        for tasks in &plan.tasks {
            let mut samples = Vec::new();
            let mut limits = [Vec::new(), Vec::new()];
            for _ in 0..plan.rounds {
                samples.push(measure(rooms, place, *tasks, plan.time).await?);
                if place == Place::Sqlite {
                    for (table, limits) in [LimitTable::Own, LimitTable::Least].into_iter().zip(&mut limits) {
                        limits.push(measure_limit(rooms, table, *tasks, plan.time).await?);
                    }
                }
            }
            let medians = Medians::of(&samples);
            let [own, least] = limits.map(|limits| share(medians.per_second, limits));
            table.row([
                format!("{}, {tasks}", place.name()),
                grouped(medians.per_second),
                format!("{}/{}", short(medians.p50), short(medians.p99)),
                own,
                least,
            ]);
        }
    }
    table.note(
        "Limits, and how much of them was reached: bare INSERTs into the store's own table, with its indexes and \
         triggers, and into the least that could be called a log; at one task one by one, else as many tasks hand them \
         to one connection, which commits together what waits.",
    );
    table.print(plan.style);
    Ok(())
}

async fn measure_limit(
    rooms: &Rooms,
    table: LimitTable,
    tasks: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let room = rooms.open(Place::Sqlite).await?;
    let limit = match tasks {
        1 => limit::one_by_one(&room.location, table, time).await?,
        tasks => limit::grouped(&room.location, table, tasks, time).await?,
    };
    rooms.close(room).await?;
    Ok(limit)
}

/// A limit, and how much of it was reached.
fn share(commands: f64, limits: Vec<f64>) -> String {
    if limits.is_empty() {
        return String::new();
    }
    let limit = median(limits);
    format!("{} ({})", grouped(limit), percent(commands / limit))
}

async fn measure(rooms: &Rooms, place: Place, tasks: usize, time: Duration) -> Result<Sample, Failure> {
    let room = rooms.open(place).await?;
    let log = room.location.log().await?;
    let app = App::builder(Arc::clone(&log)).build().await?;
    let streams = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (app, streams) = (app.clone(), Arc::clone(&streams));
        running.spawn(async move {
            let mut nanoseconds = Vec::new();
            while started.elapsed() < time {
                let order = OrderId::new(format!("order-{}", streams.fetch_add(1, Ordering::Relaxed)))?;
                for number in 0..COMMANDS_PER_STREAM {
                    let began = Instant::now();
                    let order = order.clone();
                    if number == 0 {
                        app.execute(OpenOrder { order, number }).await?;
                    } else {
                        app.execute(AddNextLine { order, number }).await?;
                    }
                    nanoseconds.push(u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX));
                }
            }
            Ok::<_, Failure>(nanoseconds)
        });
    }
    let mut nanoseconds = Vec::new();
    while let Some(task) = running.join_next().await {
        nanoseconds.extend(task??);
    }
    let took = started.elapsed();
    let commands = u64::try_from(nanoseconds.len())?;
    verify::log(&*log, commands).await?;
    rooms.close(room).await?;
    Ok(Sample::of(&[Done { commands, conflicts: 0, took, nanoseconds }]))
}
