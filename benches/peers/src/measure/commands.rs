use std::{pin::Pin, sync::Arc};

use peers_harness::{Contender, Failure, Measured, Plan, measure, median, millis};

use super::{Plans, turns::turns};
use crate::{
    contenders::{BareInsert, Cached, CqrsEs, Disintegrate, Esrs, Evento, Grouped, Transaction, Uncached},
    progress::Progress,
    server::{Database, Databases},
};

/// So many commands are under way at a time.
pub(crate) const TASKS: [usize; 4] = [1, 8, 32, 128];

/// What a contender reached, with medians over the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) name: &'static str,
    /// For each number of [`TASKS`].
    pub(crate) at: Vec<Figures>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Commands that were executed again, of all that were acknowledged.
    pub(crate) retried: f64,
}

type Run =
    for<'a> fn(&'a Database, Plan) -> Pin<Box<dyn Future<Output = Result<Measured, Failure>> + Send + 'a>>;

struct Entry {
    name: &'static str,
    run: Run,
}

/// All that are measured, in the order of the tables.
fn entries() -> Vec<Entry> {
    vec![
        entry::<BareInsert>(),
        entry::<Transaction>(),
        entry::<Grouped>(),
        entry::<Cached>(),
        entry::<Uncached>(),
        entry::<CqrsEs>(),
        entry::<Esrs>(),
        entry::<Evento>(),
        entry::<Disintegrate>(),
    ]
}

fn entry<C: Contender>() -> Entry {
    Entry { name: C::NAME, run: |database, plan| Box::pin(run::<C>(database, plan)) }
}

async fn run<C: Contender>(database: &Database, plan: Plan) -> Result<Measured, Failure> {
    let contender = Arc::new(C::setup(&database.url, plan.tasks).await?);
    let measured = measure(&contender, plan).await?;
    Arc::into_inner(contender).ok_or("a task is still at work")?.close().await;
    check::<C>(database, measured.acknowledged).await?;
    Ok(measured)
}

/// As many events as acknowledged commands, and in each stream versions from 1 without a gap.
async fn check<C: Contender>(database: &Database, acknowledged: u64) -> Result<(), Failure> {
    let query = format!(
        "SELECT coalesce(sum(events), 0)::bigint, count(*) FILTER (WHERE lowest <> 1 OR highest <> events)
         FROM ({}) AS streams (events, lowest, highest)",
        C::CHECK
    );
    let row = database.row(&query).await?;
    let (events, broken): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if u64::try_from(events)? != acknowledged {
        return Err(format!("{events} events were written by {acknowledged} acknowledged commands").into());
    }
    if broken > 0 {
        return Err(format!("{broken} orders have a gap in their versions").into());
    }
    Ok(())
}

pub(crate) async fn commands(
    databases: &Databases,
    plans: Plans,
    progress: &Progress,
) -> Result<Vec<Reached>, Failure> {
    let entries = entries();
    let mut measured = vec![vec![Vec::new(); TASKS.len()]; entries.len()];
    for round in 0..plans.rounds {
        for (level, tasks) in TASKS.into_iter().enumerate() {
            for at in turns(entries.len(), round) {
                let Entry { name, run } = entries[at];
                progress.step(&format!("commands, {tasks} tasks: {name}"));
                let plan = Plan { tasks, warm_up: plans.warm_up, time: plans.time };
                let database = databases.create().await?;
                let figures =
                    run(&database, plan).await.map_err(|error| format!("{name}, {tasks} tasks: {error}"))?;
                databases.drop(database).await?;
                measured[at][level].push(figures);
            }
        }
    }
    let reached = entries.into_iter().zip(measured).map(|(entry, at)| Reached {
        name: entry.name,
        at: at.iter().map(|rounds| Figures::of(rounds)).collect(),
    });
    Ok(reached.collect())
}

impl Figures {
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn of(rounds: &[Measured]) -> Self {
        let of = |figure: fn(&Measured) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            per_second: of(|round| round.per_second),
            p50: of(|round| millis(round.p50)),
            p99: of(|round| millis(round.p99)),
            retried: of(|round| round.retries as f64 / round.acknowledged.max(1) as f64),
        }
    }
}
