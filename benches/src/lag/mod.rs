//! From an acknowledged command to the visible view, at 200 commands/s.

mod framework;
mod ticks;

pub(crate) use framework::{Projector, project};
pub(crate) use ticks::ticks;

use std::time::Duration;

use crate::{
    Failure, Plan,
    figures::{median, millis, percent, percentile, short},
    limit,
    places::Place,
    rooms::Rooms,
    table::Table,
};

/// Who runs the projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processes {
    /// The one that writes and reads.
    One,
    /// Another one.
    Two,
}

#[derive(Clone, Copy)]
struct Contender {
    log: Place,
    views: Place,
    processes: Processes,
    is_limit: bool,
}

impl Contender {
    const fn framework(log: Place, views: Place, processes: Processes) -> Self {
        Self { log, views, processes, is_limit: false }
    }

    const fn limit(views: Place, processes: Processes) -> Self {
        Self { log: Place::Postgres, views, processes, is_limit: true }
    }

    /// A limit stands before what it is the limit of.
    const ALL: [Self; 10] = [
        Self::framework(Place::Memory, Place::Memory, Processes::One),
        Self::framework(Place::Sqlite, Place::Sqlite, Processes::One),
        Self::framework(Place::Sqlite, Place::Sqlite, Processes::Two),
        Self::limit(Place::Postgres, Processes::One),
        Self::framework(Place::Postgres, Place::Postgres, Processes::One),
        Self::limit(Place::Postgres, Processes::Two),
        Self::framework(Place::Postgres, Place::Postgres, Processes::Two),
        Self::limit(Place::Mongo, Processes::One),
        Self::framework(Place::Postgres, Place::Mongo, Processes::One),
        Self::framework(Place::Postgres, Place::Mongo, Processes::Two),
    ];

    fn name(self) -> String {
        let Self { log, views, is_limit, .. } = self;
        let limit = if is_limit { "limit: " } else { "" };
        format!("{limit}{} to {}", log.name(), views.name())
    }

    fn is_limit_of(self, other: Self) -> bool {
        self.is_limit
            && !other.is_limit
            && (self.log, self.views, self.processes) == (other.log, other.views, other.processes)
    }

    async fn measure(self, rooms: &Rooms, commands: u64) -> Result<Vec<Duration>, Failure> {
        let Self { log, views, processes, is_limit } = self;
        let (log, views) = (rooms.open(log).await?, rooms.open(views).await?);
        let times = if is_limit {
            limit::postgres::lag::measure(&log.location, &views.location, processes, commands).await?
        } else {
            framework::measure(&log.location, &views.location, processes, commands).await?
        };
        rooms.close(log).await?;
        rooms.close(views).await?;
        Ok(times)
    }
}

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let contenders: Vec<Contender> = Contender::ALL
        .into_iter()
        .filter(|contender| plan.covers(contender.log) && plan.covers(contender.views))
        .collect();
    let mut rounds = vec![Vec::new(); contenders.len()];
    for _ in 0..plan.rounds {
        for (contender, rounds) in contenders.iter().zip(&mut rounds) {
            rounds.push(contender.measure(rooms, plan.commands).await?);
        }
    }
    let of = |rounds: &[Vec<Duration>], share: f64| {
        median(rounds.iter().map(|times| millis(percentile(times, share))).collect())
    };

    let mut table = Table::new(
        format!("Write to visible, in ms, at 200 commands/s (median of {})", plan.rounds),
        ["log to views", "processes", "p50", "p99", "max", "p99, of the limit's"],
    );
    for (contender, figures) in contenders.iter().zip(&rounds) {
        let limit = contenders.iter().position(|limit| limit.is_limit_of(*contender));
        table.row([
            contender.name(),
            if contender.processes == Processes::One { "1" } else { "2" }.to_owned(),
            short(of(figures, 0.5)),
            short(of(figures, 0.99)),
            short(of(figures, 1.0)),
            limit.map_or(String::new(), |limit| percent(of(figures, 0.99) / of(&rounds[limit], 0.99))),
        ]);
    }
    table.note(
        "From the receipt to the answer of a query that asks for a view at least as fresh; in two processes, the \
         projection runs in the other one. Limits: a notification, a select, an upsert, and a select.",
    );
    table.print(plan.style);
    Ok(())
}
