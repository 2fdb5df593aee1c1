//! From an acknowledged command to the answer of a reader that waits for it, at 200 commands/s.

mod framework;
mod reader;
mod ticks;

pub(crate) use framework::{Projector, project};
pub(crate) use reader::{Reader, read};
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
use framework::Way;

/// Of a projection that is divided.
const PARTITIONS: u16 = 64;

/// What is in another process than the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    Nothing,
    Projector,
    /// The one that waits; it has the read store alone.
    Reader,
}

impl Apart {
    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Projector => "projector",
            Self::Reader => "reader",
        }
    }
}

#[derive(Clone, Copy)]
struct Contender {
    log: Place,
    views: Place,
    apart: Apart,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Limit,
    /// With so many partitions.
    Framework(u16),
}

impl Contender {
    const fn framework(log: Place, views: Place, apart: Apart) -> Self {
        Self { log, views, apart, kind: Kind::Framework(1) }
    }

    const fn divided(self) -> Self {
        Self { kind: Kind::Framework(PARTITIONS), ..self }
    }

    const fn limit(views: Place, apart: Apart) -> Self {
        Self { log: Place::Postgres, views, apart, kind: Kind::Limit }
    }

    /// A limit stands before what it is the limit of.
    const ALL: [Self; 15] = [
        Self::framework(Place::Memory, Place::Memory, Apart::Nothing),
        Self::framework(Place::Sqlite, Place::Sqlite, Apart::Nothing),
        Self::framework(Place::Sqlite, Place::Sqlite, Apart::Projector),
        Self::framework(Place::Sqlite, Place::Sqlite, Apart::Reader),
        Self::limit(Place::Postgres, Apart::Nothing),
        Self::framework(Place::Postgres, Place::Postgres, Apart::Nothing),
        Self::framework(Place::Postgres, Place::Postgres, Apart::Nothing).divided(),
        Self::limit(Place::Postgres, Apart::Projector),
        Self::framework(Place::Postgres, Place::Postgres, Apart::Projector),
        Self::framework(Place::Postgres, Place::Postgres, Apart::Reader),
        Self::framework(Place::Postgres, Place::Postgres, Apart::Reader).divided(),
        Self::limit(Place::Mongo, Apart::Nothing),
        Self::framework(Place::Postgres, Place::Mongo, Apart::Nothing),
        Self::framework(Place::Postgres, Place::Mongo, Apart::Projector),
        Self::framework(Place::Postgres, Place::Mongo, Apart::Reader),
    ];

    fn name(self) -> String {
        let Self { log, views, kind, .. } = self;
        let way = format!("{} to {}", log.name(), views.name());
        match kind {
            Kind::Limit => format!("limit: {way}"),
            Kind::Framework(1) => way,
            Kind::Framework(partitions) => format!("{way}, {partitions} partitions"),
        }
    }

    /// Between two processes the limit tells of what is visible by a notification, whoever of them projects.
    fn is_limit_of(self, other: Self) -> bool {
        self.kind == Kind::Limit
            && other.kind != Kind::Limit
            && (self.log, self.views) == (other.log, other.views)
            && (self.apart == Apart::Nothing) == (other.apart == Apart::Nothing)
    }

    /// How long each command took to be visible, in order of length.
    async fn measure(self, rooms: &Rooms, commands: u64) -> Result<Vec<Duration>, Failure> {
        let Self { log, views, apart, kind } = self;
        let (log, views) = (rooms.open(log).await?, rooms.open(views).await?);
        let mut times = match kind {
            Kind::Limit => {
                limit::postgres::lag::measure(&log.location, &views.location, apart, commands).await?
            }
            Kind::Framework(partitions) => {
                Way { log: log.location.clone(), views: views.location.clone(), partitions }
                    .measure(apart, commands)
                    .await?
            }
        };
        rooms.close(log).await?;
        rooms.close(views).await?;
        times.sort_unstable();
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
        ["log to views", "apart", "p50", "p99", "max", "p99, of the limit's"],
    );
    for (contender, figures) in contenders.iter().zip(&rounds) {
        let limit = contenders.iter().position(|limit| limit.is_limit_of(*contender));
        table.row([
            contender.name(),
            contender.apart.name().to_owned(),
            short(of(figures, 0.5)),
            short(of(figures, 0.99)),
            short(of(figures, 1.0)),
            limit.map_or(String::new(), |limit| percent(of(figures, 0.99) / of(&rounds[limit], 0.99))),
        ]);
    }
    table.note(
        "From the receipt to the answer of a query that asks for a view at least as fresh. Apart: what runs in another \
         process than the commands; a reader apart has the read store alone, and gets its tokens through a pipe, which \
         is part of the time. Limits: a notification, a select, an upsert, and a select; between two processes, one \
         notification more.",
    );
    table.print(plan.style);
    Ok(())
}
