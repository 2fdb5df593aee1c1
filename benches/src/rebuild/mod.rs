//! Events/s of a rebuild beside the build that answers, next to a first build in batches and to raw bulk writes.

mod framework;

use cqrs_core::runtime::RuntimeOptions;

use crate::{
    Failure, Plan,
    catch_up::{Layout, Log, measure_limit},
    figures::{grouped, median, millis, of, percent, percentile, short},
    places::Place,
    rooms::Rooms,
    table::Table,
};
use framework::{Built, Subject};

/// What a rebuild is to reach of the limit, at the least.
const TARGET: f64 = 0.6;

/// Undivided, and divided.
const PARTITIONS: [u16; 2] = [1, 64];

/// From logs to views.
const WAYS: [(Place, Place); 3] =
    [(Place::Sqlite, Place::Sqlite), (Place::Postgres, Place::Postgres), (Place::Postgres, Place::Mongo)];

/// What came of one way, in one layout: the limit, and for each number of partitions all rounds.
#[derive(Default)]
struct Measured {
    /// Raw bulk writes.
    limits: Vec<f64>,
    /// Raw reads of the log.
    reads: Vec<f64>,
    built: [Vec<Built>; PARTITIONS.len()],
}

impl Measured {
    fn limit(&self) -> f64 {
        median(self.limits.clone())
    }

    fn reads(&self) -> f64 {
        median(self.reads.clone())
    }

    /// Events/s where all of the log is read raw, and then all is written raw.
    fn both(&self) -> f64 {
        1.0 / (1.0 / self.limit() + 1.0 / self.reads())
    }

    fn of(&self, divided: usize, figure: impl Fn(&Built) -> f64) -> f64 {
        median(self.built[divided].iter().map(figure).collect())
    }
}

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let ways: Vec<(Place, Place)> =
        WAYS.into_iter().filter(|(log, views)| plan.covers(*log) && plan.covers(*views)).collect();
    let mut layouts = Vec::new();
    for layout in Layout::ALL {
        layouts.push(measure(plan, rooms, layout, &ways).await?);
    }
    speeds(plan, &ways, &layouts).print(plan.style);
    switches(plan, &ways, &layouts).print(plan.style);
    Ok(())
}

/// For each way what was measured.
async fn measure(
    plan: &Plan,
    rooms: &Rooms,
    layout: Layout,
    ways: &[(Place, Place)],
) -> Result<Vec<Measured>, Failure> {
    // As many as a rebuild takes at once.
    let batch = u64::try_from(RuntimeOptions::default().backlog_batch)?;
    let mut logs: Vec<Log> = Vec::new();
    for (place, _) in ways {
        if !logs.iter().any(|filled| filled.place == *place) {
            logs.push(Log::filled(rooms, *place, layout, plan.backlog).await?);
        }
    }
    let mut all: Vec<Measured> = ways.iter().map(|_| Measured::default()).collect();
    for _ in 0..plan.rounds {
        for ((log, views), measured) in ways.iter().zip(&mut all) {
            let log = logs.iter().find(|filled| filled.place == *log).ok_or("a log is missing")?;
            measured.limits.push(measure_limit(rooms, *views, layout, plan.backlog, batch).await?);
            measured.reads.push(log.measure_reading(batch).await?);
            for (partitions, rounds) in PARTITIONS.into_iter().zip(&mut measured.built) {
                rounds.push(Subject { log, views: *views, partitions }.measure(rooms).await?);
            }
        }
    }
    for log in logs {
        log.close(rooms).await?;
    }
    Ok(all)
}

fn title(plan: &Plan, what: &str) -> String {
    format!("{what} of a backlog of {} (median of {})", grouped(of(plan.backlog)), plan.rounds)
}

fn name((log, views): (Place, Place), partitions: u16) -> String {
    let divided = if partitions > 1 { format!(", {partitions} partitions") } else { String::new() };
    format!("{} to {}{divided}", log.name(), views.name())
}

fn speeds(plan: &Plan, ways: &[(Place, Place)], layouts: &[Vec<Measured>]) -> Table {
    let mut table = Table::new(
        title(plan, "Rebuild: events/s"),
        [
            "log to views",
            Layout::Folded.name(),
            "of writes, both",
            Layout::Scattered.name(),
            "of writes, both",
        ],
    );
    let (mut missed, mut missed_both) = (Vec::new(), Vec::new());
    for (at, way) in ways.iter().enumerate() {
        let measured: Vec<&Measured> = layouts.iter().map(|layout| &layout[at]).collect();
        let mut limit = |name: String, figure: fn(&Measured) -> f64| {
            let limits = measured.iter().flat_map(|measured| [grouped(figure(measured)), String::new()]);
            table.row(std::iter::once(name).chain(limits));
        };
        limit(format!("limit: {}, bulk writes", way.1.name()), Measured::limit);
        limit(format!("limit: {}, reads", way.0.name()), Measured::reads);
        limit("limit: both, one after the other".to_owned(), Measured::both);
        for (divided, partitions) in PARTITIONS.into_iter().enumerate() {
            let mut row = |what: &str, figure: fn(&Built) -> f64| {
                let figures = measured.iter().flat_map(|measured| {
                    let figure = measured.of(divided, figure);
                    let shares = [measured.limit(), measured.both()].map(|limit| percent(figure / limit));
                    [grouped(figure), shares.join(", ")]
                });
                table.row(std::iter::once(format!("  {what}: {}", name(*way, partitions))).chain(figures));
            };
            row("incremental", |built| built.incremental);
            row("rebuild", |built| built.rebuild);
            for (layout, measured) in Layout::ALL.into_iter().zip(&measured) {
                let figure = measured.of(divided, |built| built.rebuild);
                for (limit, missed) in [(measured.limit(), &mut missed), (measured.both(), &mut missed_both)]
                {
                    if figure / limit < TARGET {
                        let share = percent(figure / limit);
                        missed.push(format!("{} {}: {share}", name(*way, partitions), layout.name()));
                    }
                }
            }
        }
    }
    table.note(
        "Incremental: a first build, in batches as near the head. Rebuild: on an operator's request, from when it has \
         begun until it answers; the first build answers meanwhile, a query each 5 ms. Limits, alone: the documents of \
         5,000 events, ready to be sent, are upserted at once, guarded by position, with the same index, and nothing is \
         read; of 5,000 events at once, the stream and the data are read and parsed, and nothing is written.",
    );
    for (limit, missed) in [("of raw writes", missed), ("of raw reads and raw writes", missed_both)] {
        let missed = if missed.is_empty() {
            "Reached everywhere.".to_owned()
        } else {
            format!("Missed: {}.", missed.join("; "))
        };
        table.note(format!("To be reached by a rebuild: {} {limit}. {missed}", percent(TARGET)));
    }
    table
}

fn switches(plan: &Plan, ways: &[(Place, Place)], layouts: &[Vec<Measured>]) -> Table {
    let heads = Layout::ALL.into_iter().flat_map(|layout| {
        [format!("{}: s to the switch", layout.name()), "answers: p50/p99/max ms".to_owned()]
    });
    let mut table = Table::of(
        title(plan, "From the request for a rebuild to the switch, and answers meanwhile,"),
        std::iter::once("log to views".to_owned()).chain(heads).collect(),
    );
    for (at, way) in ways.iter().enumerate() {
        for (divided, partitions) in PARTITIONS.into_iter().enumerate() {
            let figures = layouts.iter().flat_map(|layout| {
                let measured = &layout[at];
                let answer =
                    |share| short(measured.of(divided, |built| millis(percentile(&built.answers, share))));
                [
                    short(measured.of(divided, |built| built.switched.as_secs_f64())),
                    format!("{}/{}/{}", answer(0.5), answer(0.99), answer(1.0)),
                ]
            });
            table.row(std::iter::once(name(*way, partitions)).chain(figures));
        }
    }
    table
}
