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

/// What ten are to cost less of, in reads of the log, than so many times what one costs.
const CLAIM: f64 = 2.0;

/// How many projections run.
const COUNTS: [usize; 2] = [1, 10];

/// What so many projections cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Events/s of each projection through the backlog.
    events_per_second: f64,
    /// Reads of the log meanwhile, and the events that came.
    reads: f64,
    read_events: f64,
    /// Reads of the log while they are at the head, and events are appended one by one.
    reads_at_head: f64,
}

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let mut table = Table::new(
        format!(
            "Ten projections next to one, through a backlog of {} (median of {})",
            grouped(of(plan.backlog)),
            plan.rounds
        ),
        ["log to views", "run", "reads", "of one", "events", "events/s each", "at the head", "of one"],
    );
    let mut missed = Vec::new();
    for (log, views) in PLACES.into_iter().filter(|(log, views)| plan.covers(*log) && plan.covers(*views)) {
        let mut rounds = COUNTS.map(|_| Vec::new());
        for _ in 0..plan.rounds {
            for (count, rounds) in COUNTS.into_iter().zip(&mut rounds) {
                rounds.push(measure(plan, rooms, log, views, count).await?);
            }
        }
        let name = format!("{} to {}", log.name(), views.name());
        let one = middle(&rounds[0]);
        for (count, rounds) in COUNTS.into_iter().zip(&rounds) {
            let cost = middle(rounds);
            let shares = [cost.reads / one.reads, cost.reads_at_head / one.reads_at_head];
            let [reads, at_head] = shares.map(|share| if count == 1 { String::new() } else { times(share) });
            for (share, when) in shares.into_iter().zip(["in the backlog", "at the head"]) {
                // Where one reads nothing, there is nothing to compare with.
                if count > 1 && share >= CLAIM {
                    missed.push(format!("{name}, {when}: {}", times(share)));
                }
            }
            table.row([
                name.clone(),
                count.to_string(),
                grouped(cost.reads),
                reads,
                grouped(cost.read_events),
                grouped(cost.events_per_second),
                grouped(cost.reads_at_head),
                at_head,
            ]);
        }
    }
    table.note(format!(
        "All want the same events. Reads: calls of the log for a page, while all of them go through the backlog, from \
         the start of the application on; events: what the pages had in them. At the head: while {} more events are \
         appended one by one, 200 a second.",
        grouped(of(plan.commands))
    ));
    table.note(format!(
        "To be kept: ten projections cost less than {} times one in reads of the log. {}",
        CLAIM,
        if missed.is_empty() { "Kept.".to_owned() } else { format!("Missed: {}.", missed.join("; ")) }
    ));
    table.print(plan.style);
    Ok(())
}

/// `1.4 x`
fn times(share: f64) -> String {
    format!("{share:.1} x")
}

/// The median of each figure.
fn middle(rounds: &[Cost]) -> Cost {
    let of = |figure: fn(&Cost) -> f64| median(rounds.iter().map(figure).collect());
    Cost {
        events_per_second: of(|cost| cost.events_per_second),
        reads: of(|cost| cost.reads),
        read_events: of(|cost| cost.read_events),
        reads_at_head: of(|cost| cost.reads_at_head),
    }
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
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for number in plan.backlog..plan.backlog + plan.commands {
        ticks.tick().await;
        fill(&*log, 1, |_| line(number)).await?;
    }
    projections::applied(&*views, count, Position::new(plan.backlog + plan.commands)).await?;
    let (reads_at_head, _) = log.take_reads();

    app.shutdown().await;
    let events = plan.backlog + plan.commands;
    for number in [0, events / 2, events - 1] {
        let first = number / LINES * LINES;
        projections::verify(&*views, count, &line(number).0, LINES.min(events - first)).await?;
    }
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
