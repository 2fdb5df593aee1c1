//! Ten projections next to one: how often the log is read, and how fast they are.

mod projections;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::{app::App, envelope::Position};

use crate::{
    Failure, Plan,
    domain::LineAdded,
    figures::{grouped, median, of, per_second},
    filling::fill,
    noting::Noting,
    places::Place,
    rooms::Rooms,
    table::Table,
};

const PLACES: [(Place, Place); 4] = [
    (Place::Memory, Place::Memory),
    (Place::Sqlite, Place::Sqlite),
    (Place::Postgres, Place::Postgres),
    (Place::Postgres, Place::Mongo),
];

/// Each order has so many lines.
const LINES: u64 = 5;

/// What so many projections cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Events/s of each projection through the backlog.
    events_per_second: f64,
    /// Reads of the log meanwhile, and the events that came.
    reads: f64,
    read_events: f64,
    /// Reads of the log for each event that is appended while they are at the head.
    reads_at_head: f64,
}

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let mut table = Table::new(
        format!(
            "Ten projections next to one, through a backlog of {} (median of {})",
            grouped(of(plan.backlog)),
            plan.rounds
        ),
        ["log to views", "projections", "reads", "events read", "events/s of each", "reads at the head"],
    );
    for (log, views) in PLACES.into_iter().filter(|(log, views)| plan.covers(*log) && plan.covers(*views)) {
        for count in [1, 10] {
            let mut rounds = Vec::new();
            for _ in 0..plan.rounds {
                rounds.push(measure(plan, rooms, log, views, count).await?);
            }
            let of = |figure: fn(&Cost) -> f64| grouped(median(rounds.iter().map(figure).collect()));
            table.row([
                format!("{} to {}", log.name(), views.name()),
                count.to_string(),
                of(|cost| cost.reads),
                of(|cost| cost.read_events),
                of(|cost| cost.events_per_second),
                of(|cost| cost.reads_at_head),
            ]);
        }
    }
    table.note(format!(
        "All want the same events. Reads at the head: while {} more events are appended one by one, 200 a second.",
        grouped(of(plan.commands))
    ));
    table.print(plan.style);
    Ok(())
}

fn line(number: u64) -> (String, LineAdded) {
    let order = number / LINES;
    (format!("order-{order}"), LineAdded::of(order, number))
}

async fn measure(
    plan: &Plan,
    rooms: &Rooms,
    log: Place,
    views: Place,
    count: usize,
) -> Result<Cost, Failure> {
    let (log_room, views_room) = (rooms.open(log).await?, rooms.open(views).await?);
    let log = Arc::new(Noting::new(log_room.location.log().await?));
    let views = views_room.location.views().await?;
    fill(&*log, plan.backlog, line).await?;

    let started = Instant::now();
    let app = projections::register(App::builder(Arc::clone(&log)), &views, count).build().await?;
    projections::applied(&*views, count, Position::new(plan.backlog)).await?;
    let took = started.elapsed();
    let (reads, read_events) = log.take_reads();

    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for number in plan.backlog..plan.backlog + plan.commands {
        ticks.tick().await;
        fill(&*log, 1, |_| line(number)).await?;
    }
    projections::applied(&*views, count, Position::new(plan.backlog + plan.commands)).await?;
    let (reads_at_head, _) = log.take_reads();

    app.shutdown().await;
    let lines = (plan.backlog + plan.commands).min(LINES);
    projections::verify(&*views, count, "order-0", lines).await?;
    drop(log);
    rooms.close(log_room).await?;
    rooms.close(views_room).await?;
    Ok(Cost {
        events_per_second: per_second(plan.backlog, took),
        reads: of(reads),
        read_events: of(read_events),
        reads_at_head: of(reads_at_head),
    })
}
