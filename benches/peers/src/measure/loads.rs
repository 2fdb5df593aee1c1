use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use peers_harness::{Failure, Loads, median, millis, percentile};

use super::{Plans, turns::turns};
use crate::{
    contenders::{BareLoad, CqrsEsLoads, DisintegrateLoads, EsrsLoads, EventoLoads, OursLoads},
    progress::Progress,
    server::{Database, Databases},
};

/// How many events the order has that is loaded.
pub(crate) const EVENTS: u32 = 1_000;

/// Milliseconds of one load at a time, medians of medians.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) name: &'static str,
    pub(crate) events: f64,
    /// `None`: it has no snapshots.
    pub(crate) snapshot: Option<f64>,
}

type Run = for<'a> fn(
    &'a Database,
    bool,
    Duration,
) -> Pin<Box<dyn Future<Output = Result<f64, Failure>> + Send + 'a>>;

struct Entry {
    name: &'static str,
    snapshots: bool,
    run: Run,
}

fn entries() -> Vec<Entry> {
    vec![
        entry::<BareLoad>(),
        entry::<OursLoads>(),
        entry::<CqrsEsLoads>(),
        entry::<EsrsLoads>(),
        entry::<EventoLoads>(),
        entry::<DisintegrateLoads>(),
    ]
}

fn entry<L: Loads>() -> Entry {
    Entry {
        name: L::NAME,
        snapshots: L::SNAPSHOTS,
        run: |database, snapshot, time| Box::pin(run::<L>(database, snapshot, time)),
    }
}

/// The median of the loads, each of which is checked.
async fn run<L: Loads>(database: &Database, snapshot: bool, time: Duration) -> Result<f64, Failure> {
    let contender = L::setup(&database.url, EVENTS, snapshot).await?;
    for _ in 0..10 {
        contender.load().await?;
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < time {
        let started = Instant::now();
        let folded = contender.load().await?;
        times.push(started.elapsed());
        if folded != EVENTS {
            return Err(format!("{folded} events were folded instead of {EVENTS}").into());
        }
    }
    contender.close().await;
    times.sort_unstable();
    Ok(millis(percentile(&times, 0.5)))
}

pub(crate) async fn loads(
    databases: &Databases,
    plans: Plans,
    progress: &Progress,
) -> Result<Vec<Loaded>, Failure> {
    let entries = entries();
    let mut measured = vec![[Vec::new(), Vec::new()]; entries.len()];
    for round in 0..plans.rounds {
        for at in turns(entries.len(), round) {
            let Entry { name, snapshots, run } = entries[at];
            for snapshot in [false, true] {
                if snapshot && !snapshots {
                    continue;
                }
                progress.step(&format!("loads, {}: {name}", if snapshot { "snapshot" } else { "events" }));
                let database = databases.create().await?;
                let took = run(&database, snapshot, plans.load_time)
                    .await
                    .map_err(|error| format!("loads of {name}: {error}"))?;
                databases.drop(database).await?;
                measured[at][usize::from(snapshot)].push(took);
            }
        }
    }
    let loaded = entries.into_iter().zip(measured).map(|(entry, [events, snapshot])| Loaded {
        name: entry.name,
        events: median(events),
        snapshot: entry.snapshots.then(|| median(snapshot)),
    });
    Ok(loaded.collect())
}
