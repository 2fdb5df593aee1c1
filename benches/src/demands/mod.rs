//! What each demand for freshness costs a query whose view is there, and what it costs to be shown a change.

mod subject;

use std::time::Duration;

use crate::{
    Failure, Plan,
    figures::{median, millis, percentile, short},
    places::Place,
    rooms::Rooms,
    table::Table,
};
use subject::{Demand, Subject};

/// From logs to views.
const WAYS: [(Place, Place); 4] = [
    (Place::Memory, Place::Memory),
    (Place::Sqlite, Place::Sqlite),
    (Place::Postgres, Place::Postgres),
    (Place::Postgres, Place::Mongo),
];

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let ways: Vec<(Place, Place)> =
        WAYS.into_iter().filter(|(log, views)| plan.covers(*log) && plan.covers(*views)).collect();
    let heads = ways.iter().map(|(_, views)| views.name().to_owned());
    let mut table = Table::of(
        format!("What freshness costs a query, p50/p99 in ms (median of {})", plan.rounds),
        std::iter::once("views in".to_owned()).chain(heads).collect(),
    );
    let mut all = Vec::new();
    for (log, views) in &ways {
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            rounds.push(measure(plan, rooms, *log, *views).await?);
        }
        all.push(rounds);
    }
    for (nth, demand) in Demand::ALL.into_iter().enumerate() {
        let figures = all.iter().map(|rounds| {
            let of = |share| {
                median(rounds.iter().map(|demands| millis(percentile(&demands[nth], share))).collect())
            };
            format!("{}/{}", short(of(0.5)), short(of(0.99)))
        });
        table.row(std::iter::once(demand.name().to_owned()).chain(figures));
    }
    table.note(
        "One query after the other, for a view that is up to date; `App` has the log too, `Views` the read store alone. \
         `or_live`: the projection stands still, and the view lacks five events of its stream. `watch`: from a command's \
         receipt to the item with its change, a command each 20 ms. A `LagMonitor` asks for a checkpoint each heartbeat, \
         as `fresh` does once.",
    );
    table.print(plan.style);
    Ok(())
}

/// For each demand how long the queries took, in order of length.
async fn measure(
    plan: &Plan,
    rooms: &Rooms,
    log: Place,
    views: Place,
) -> Result<Vec<Vec<Duration>>, Failure> {
    let (log, views) = (rooms.open(log).await?, rooms.open(views).await?);
    let mut subject = Subject::open(&log.location, &views.location).await?;
    let mut all = Vec::new();
    for demand in Demand::ALL {
        let mut times = subject.measure(demand, plan.commands).await?;
        times.sort_unstable();
        all.push(times);
    }
    subject.close().await;
    rooms.close(log).await?;
    rooms.close(views).await?;
    Ok(all)
}
