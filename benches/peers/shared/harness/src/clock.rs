use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{COMMANDS, Contender, Failure, per_second, percentile};

/// How a contender is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// So many commands are under way at any time.
    pub tasks: usize,
    /// Connections are opened and plans are cached before the clock starts.
    pub warm_up: Duration,
    pub time: Duration,
}

/// What a measurement gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// How many commands were acknowledged, those of the warm-up included: so many events must be there.
    pub acknowledged: u64,
    pub retries: u64,
}

/// Executes commands for the time of the plan. Each task works on an order of its own until that has all its commands.
pub async fn measure<C: Contender>(contender: &Arc<C>, plan: Plan) -> Result<Measured, Failure> {
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.time;
    let mut running = JoinSet::new();
    for _ in 0..plan.tasks {
        let contender = Arc::clone(contender);
        running.spawn(async move { task(&*contender, begin, end).await });
    }
    let mut times = Vec::new();
    let mut acknowledged = 0;
    while let Some(task) = running.join_next().await {
        let (count, of_task) = task??;
        acknowledged += count;
        times.extend(of_task);
    }
    times.sort_unstable();
    Ok(Measured {
        per_second: per_second(u64::try_from(times.len())?, plan.time),
        p50: percentile(&times, 0.5),
        p99: percentile(&times, 0.99),
        acknowledged,
        retries: contender.retries(),
    })
}

/// Counts all commands, and times those that were acknowledged between the two moments.
async fn task<C: Contender>(
    contender: &C,
    begin: Instant,
    end: Instant,
) -> Result<(u64, Vec<Duration>), Failure> {
    let mut times = Vec::new();
    let mut count = 0;
    loop {
        let order = Uuid::now_v7();
        for number in 0..COMMANDS {
            let started = Instant::now();
            if started >= end {
                return Ok((count, times));
            }
            contender.command(order, number).await?;
            count += 1;
            let answered = Instant::now();
            if (begin..end).contains(&answered) {
                times.push(answered - started);
            }
        }
    }
}
