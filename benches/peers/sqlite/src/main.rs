//! Commands on SQLite, ours and evento's. `cqrs-peers` runs this program and shows what it found, which is written to
//! the standard output as JSON.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for another one, and for the terminal"
)]

mod evento;
mod ours;

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use clap::Parser;
use peers_harness::{Contender, Failure, Measured, OnSqlite, Plan, SQLITE_TASKS, SqliteRun, measure};
use rusqlite::Connection;

#[derive(Parser)]
struct Options {
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    warm_up_ms: u64,
    #[arg(long)]
    time_ms: u64,
}

type Run = for<'a> fn(&'a Path, Plan) -> Pin<Box<dyn Future<Output = Result<Measured, Failure>> + Send + 'a>>;

struct Entry {
    name: &'static str,
    run: Run,
}

fn entry<C: Contender>() -> Entry {
    Entry { name: C::NAME, run: |folder, plan| Box::pin(run::<C>(folder, plan)) }
}

async fn run<C: Contender>(folder: &Path, plan: Plan) -> Result<Measured, Failure> {
    let file = folder.join("log.db");
    let place = file.to_str().ok_or("the temporary folder's name is no text")?;
    let contender = Arc::new(C::setup(place, plan.tasks).await?);
    let measured = measure(&contender, plan).await?;
    Arc::into_inner(contender).ok_or("a task is still at work")?.close().await;
    check::<C>(&file, measured.acknowledged)?;
    Ok(measured)
}

/// As many events as acknowledged commands, and in each stream versions from 1 without a gap.
fn check<C: Contender>(file: &Path, acknowledged: u64) -> Result<(), Failure> {
    let query = format!(
        "WITH streams (events, lowest, highest) AS ({})
         SELECT coalesce(sum(events), 0), count(*) FILTER (WHERE lowest <> 1 OR highest <> events) FROM streams",
        C::CHECK
    );
    let (events, broken): (i64, i64) =
        Connection::open(file)?.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if u64::try_from(events)? != acknowledged {
        return Err(format!("{events} events were written by {acknowledged} acknowledged commands").into());
    }
    if broken > 0 {
        return Err(format!("{broken} orders have a gap in their versions").into());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let entries = [entry::<ours::Cached>(), entry::<ours::Uncached>(), entry::<evento::Evento>()];
    let mut contenders: Vec<_> = entries
        .iter()
        .map(|entry| OnSqlite { name: entry.name.to_owned(), at: vec![Vec::new(); SQLITE_TASKS.len()] })
        .collect();
    for round in 0..options.rounds {
        for (level, tasks) in SQLITE_TASKS.into_iter().enumerate() {
            for place in 0..entries.len() {
                let at = (place + round) % entries.len();
                let Entry { name, run } = entries[at];
                eprintln!("SQLite, {tasks} tasks: {name}");
                let plan = Plan {
                    tasks,
                    warm_up: Duration::from_millis(options.warm_up_ms),
                    time: Duration::from_millis(options.time_ms),
                };
                let folder = tempfile::tempdir()?;
                let measured = run(folder.path(), plan)
                    .await
                    .map_err(|error| format!("{name} on SQLite, {tasks} tasks: {error}"))?;
                contenders[at].at[level].push(measured);
            }
        }
    }
    let found = SqliteRun { sqlite: rusqlite::version().to_owned(), contenders };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}
