use std::pin::Pin;

use peers_harness::{Failure, Layout, Projects, median, per_second};

use super::{Plans, turns::turns};
use crate::{
    contenders::{BulkUpsert, DisintegrateProjects, EventoProjects, OursProjects},
    progress::Progress,
    server::{Database, Databases},
};

/// Events/s of a backlog that is worked through, medians over the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Projected {
    pub(crate) name: &'static str,
    pub(crate) backlog: u32,
    pub(crate) scattered: f64,
    pub(crate) folded: f64,
}

type Run =
    for<'a> fn(&'a Database, Layout, u32) -> Pin<Box<dyn Future<Output = Result<f64, Failure>> + Send + 'a>>;

struct Entry {
    name: &'static str,
    backlog: u32,
    run: Run,
}

fn entries() -> Vec<Entry> {
    vec![
        entry::<BulkUpsert>(),
        entry::<OursProjects>(),
        entry::<EventoProjects>(),
        entry::<DisintegrateProjects>(),
    ]
}

fn entry<P: Projects>() -> Entry {
    Entry {
        name: P::NAME,
        backlog: P::BACKLOG,
        run: |database, layout, events| Box::pin(run::<P>(database, layout, events)),
    }
}

async fn run<P: Projects>(database: &Database, layout: Layout, events: u32) -> Result<f64, Failure> {
    let contender = P::setup(&database.url, layout, events).await?;
    let took = contender.project(events).await?;
    contender.close().await;
    let row = database.row(P::CHECK).await?;
    let found: (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let expected = (layout.orders(events).into(), events.into());
    if found != expected {
        return Err(format!("(orders, lines) are {found:?} instead of {expected:?}").into());
    }
    Ok(per_second(events.into(), took))
}

pub(crate) async fn projections(
    databases: &Databases,
    plans: Plans,
    progress: &Progress,
) -> Result<Vec<Projected>, Failure> {
    let entries = entries();
    let mut measured = vec![[Vec::new(), Vec::new()]; entries.len()];
    for round in 0..plans.rounds {
        for at in turns(entries.len(), round) {
            let Entry { name, backlog, run } = entries[at];
            for (place, layout) in Layout::ALL.into_iter().enumerate() {
                progress.step(&format!("projections, {layout:?}: {name}"));
                let database = databases.create().await?;
                let reached = run(&database, layout, backlog / plans.backlog_divisor)
                    .await
                    .map_err(|error| format!("projections of {name}, {layout:?}: {error}"))?;
                databases.drop(database).await?;
                measured[at][place].push(reached);
            }
        }
    }
    let projected = entries.into_iter().zip(measured).map(|(entry, [scattered, folded])| Projected {
        name: entry.name,
        backlog: entry.backlog / plans.backlog_divisor,
        scattered: median(scattered),
        folded: median(folded),
    });
    Ok(projected.collect())
}
