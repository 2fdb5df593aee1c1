//! How long it takes to load an order of 1,000 events, and how often the server is asked.

mod round_trips;
mod subject;

use std::time::{Duration, Instant};

use cqrs_core::prelude::*;

use crate::{
    Failure, Plan,
    domain::AddLine,
    figures::{median, millis, percent, percentile, short},
    places::{Location, Place},
    rooms::Rooms,
    table::Table,
};
use round_trips::Proxy;
use subject::{Kind, Subject, order};

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let mut table = Table::new(
        format!("Loading an order of 1,000 events (median of {})", plan.rounds),
        ["store", "p50 ms", "p99 ms", "of the limit", "round trips"],
    );
    for place in [Place::Memory, Place::Sqlite, Place::Postgres] {
        if !plan.covers(place) {
            continue;
        }
        let kinds: &[(Kind, Option<usize>)] = match place {
            Place::Postgres => &[
                (Kind::Select, None),
                (Kind::Whole, Some(0)),
                (Kind::SelectOne, None),
                (Kind::Snapshot, Some(2)),
            ],
            _ => &[(Kind::Whole, None), (Kind::Snapshot, None)],
        };
        let mut samples = vec![Vec::new(); kinds.len()];
        for _ in 0..plan.rounds {
            for ((kind, _), samples) in kinds.iter().zip(&mut samples) {
                samples.push(measure(plan, rooms, place, *kind).await?);
            }
        }
        let p50 = |samples: &[Loads]| median(samples.iter().map(|loads| millis(loads.p50)).collect());
        for ((kind, limit), loads) in kinds.iter().zip(&samples) {
            let round_trips: Vec<f64> = loads.iter().filter_map(|loads| loads.round_trips).collect();
            table.row([
                format!("{}, {}", place.name(), kind.name()),
                short(p50(loads)),
                short(median(loads.iter().map(|loads| millis(loads.p99)).collect())),
                limit.map_or(String::new(), |limit| percent(p50(loads) / p50(&samples[limit]))),
                if round_trips.is_empty() { String::new() } else { format!("{:.2}", median(round_trips)) },
            ]);
        }
    }
    if plan.covers(Place::Postgres) {
        for (name, hot) in
            [("PostgreSQL, a command that loads", false), ("PostgreSQL, a command by default", true)]
        {
            let round_trips = of_commands(rooms, hot).await?;
            table.row([
                name.to_owned(),
                String::new(),
                String::new(),
                String::new(),
                format!("{round_trips:.2}"),
            ]);
        }
        table.note("Round trips were counted on the wire, by a proxy that saw a separate run.");
    }
    table.print(plan.style);
    Ok(())
}

#[derive(Clone, Copy)]
struct Loads {
    p50: Duration,
    p99: Duration,
    /// For each load.
    round_trips: Option<f64>,
}

async fn measure(plan: &Plan, rooms: &Rooms, place: Place, kind: Kind) -> Result<Loads, Failure> {
    let room = rooms.open(place).await?;
    let mut times = Vec::new();
    let subject = Subject::prepare(kind, &room.location).await?;
    let started = Instant::now();
    while started.elapsed() < plan.time {
        let began = Instant::now();
        subject.load().await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    drop(subject);
    let round_trips = match &room.location {
        Location::Postgres(url) => {
            let proxy = Proxy::before(url).await?;
            let subject = Subject::of(kind, &Location::Postgres(proxy.url.clone())).await?;
            Some(count(&proxy, async || subject.load().await).await?)
        }
        _ => None,
    };
    rooms.close(room).await?;
    Ok(Loads { p50: percentile(&times, 0.5), p99: percentile(&times, 0.99), round_trips })
}

/// How many round trips it takes, once all is prepared.
async fn count(proxy: &Proxy, run: impl AsyncFn() -> Result<(), Failure>) -> Result<f64, Failure> {
    const TIMES: u32 = 50;
    for _ in 0..TIMES {
        run().await?;
    }
    proxy.take();
    for _ in 0..TIMES {
        run().await?;
    }
    let round_trips = u32::try_from(proxy.take())?;
    Ok(f64::from(round_trips) / f64::from(TIMES))
}

async fn of_commands(rooms: &Rooms, hot: bool) -> Result<f64, Failure> {
    let room = rooms.open(Place::Postgres).await?;
    let proxy = Proxy::before(room.location.url()?).await?;
    let builder = App::builder(Location::Postgres(proxy.url.clone()).log().await?);
    let builder = if hot { builder } else { builder.hot_aggregates(0) };
    let app = builder.build().await?;
    let order = order()?;
    let round_trips = count(&proxy, async || {
        app.execute(AddLine { order: order.clone(), number: 1 }).await?;
        Ok(())
    })
    .await?;
    drop(app);
    rooms.close(room).await?;
    Ok(round_trips)
}
