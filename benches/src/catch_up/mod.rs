//! Events/s of a projection that works through a backlog.

mod framework;
mod layout;

use crate::{
    Failure, Plan,
    figures::{grouped, median, percent},
    limit,
    places::Place,
    rooms::Rooms,
    table::Table,
};
pub(crate) use framework::Log;
pub(crate) use layout::{Layout, Write};

/// How many events' documents a limit writes at once: as many as the framework takes near the head.
const LIMIT_BATCH: u64 = 1_000;

/// From a log into views, or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contender {
    Framework { log: Place, views: Place },
    Limit(Place),
}

impl Contender {
    const ALL: [Self; 9] = [
        Self::Framework { log: Place::Memory, views: Place::Memory },
        Self::Limit(Place::Sqlite),
        Self::Framework { log: Place::Sqlite, views: Place::Sqlite },
        Self::Limit(Place::Postgres),
        Self::Framework { log: Place::Memory, views: Place::Postgres },
        Self::Framework { log: Place::Postgres, views: Place::Postgres },
        Self::Limit(Place::Mongo),
        Self::Framework { log: Place::Memory, views: Place::Mongo },
        Self::Framework { log: Place::Postgres, views: Place::Mongo },
    ];

    fn name(self) -> String {
        match self {
            Self::Limit(views) => format!("limit: {}, bulk writes", views.name()),
            Self::Framework { log, views } => format!("{} to {}", log.name(), views.name()),
        }
    }

    fn is_wanted(self, plan: &Plan) -> bool {
        match self {
            Self::Limit(place) => plan.covers(place),
            Self::Framework { log: Place::Memory, views } => plan.covers(views),
            Self::Framework { log, views } => plan.covers(log) && plan.covers(views),
        }
    }

    fn limit(self) -> Option<Self> {
        match self {
            Self::Framework { views: views @ (Place::Sqlite | Place::Postgres | Place::Mongo), .. } => {
                Some(Self::Limit(views))
            }
            _ => None,
        }
    }
}

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let contenders: Vec<Contender> =
        Contender::ALL.into_iter().filter(|contender| contender.is_wanted(plan)).collect();
    let mut figures = Vec::new();
    for layout in Layout::ALL {
        figures.push(measure(plan, rooms, layout, &contenders).await?);
    }

    let mut table = Table::new(
        format!(
            "Catch-up: events/s through a backlog of {} (median of {})",
            grouped(crate::figures::of(plan.backlog)),
            plan.rounds
        ),
        ["log to views", Layout::Folded.name(), "of the limit", Layout::Scattered.name(), "of the limit"],
    );
    for (at, contender) in contenders.iter().enumerate() {
        let mut row = vec![contender.name()];
        for figures in &figures {
            row.push(grouped(figures[at]));
            let limit =
                contender.limit().and_then(|limit| contenders.iter().position(|other| *other == limit));
            row.push(limit.map_or(String::new(), |limit| percent(figures[at] / figures[limit])));
        }
        table.row(row);
    }
    table.note(
        "Each order has five events: folded, they follow each other; scattered, each of them is another batch's. \
         Limits: the documents of 1,000 events, ready to be sent, are upserted at once, guarded by position, with the \
         same index; nothing is read.",
    );
    table.print(plan.style);
    Ok(())
}

/// The median of each contender.
async fn measure(
    plan: &Plan,
    rooms: &Rooms,
    layout: Layout,
    contenders: &[Contender],
) -> Result<Vec<f64>, Failure> {
    let mut logs: Vec<Log> = Vec::new();
    for contender in contenders {
        if let Contender::Framework { log, .. } = contender
            && !logs.iter().any(|filled| filled.place == *log)
        {
            logs.push(Log::filled(rooms, *log, layout, plan.backlog).await?);
        }
    }
    let mut figures = vec![Vec::new(); contenders.len()];
    for _ in 0..plan.rounds {
        for (contender, figures) in contenders.iter().zip(&mut figures) {
            let figure = match contender {
                Contender::Framework { log, views } => {
                    let log = logs.iter().find(|filled| filled.place == *log).ok_or("a log is missing")?;
                    log.catch_up(rooms, *views).await?
                }
                Contender::Limit(place) => {
                    measure_limit(rooms, *place, layout, plan.backlog, LIMIT_BATCH).await?
                }
            };
            figures.push(figure);
        }
    }
    for log in logs {
        log.close(rooms).await?;
    }
    Ok(figures.into_iter().map(median).collect())
}

/// Events/s of raw bulk writes: the documents of so many events at once.
pub(crate) async fn measure_limit(
    rooms: &Rooms,
    place: Place,
    layout: Layout,
    backlog: u64,
    batch: u64,
) -> Result<f64, Failure> {
    let room = rooms.open(place).await?;
    let (batches, views) = (layout.batches(backlog, batch), layout.views(backlog));
    let took = match place {
        Place::Memory => return Err("memory has no limit but itself".into()),
        Place::Sqlite => limit::sqlite::write(&room.location, batches, views).await?,
        Place::Postgres => limit::postgres::write(room.location.url()?, &batches, &views).await?,
        Place::Mongo => limit::mongo::write(room.location.url()?, &batches, &views).await?,
    };
    rooms.close(room).await?;
    Ok(crate::figures::per_second(backlog, took))
}
