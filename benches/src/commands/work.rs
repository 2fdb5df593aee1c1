//! What a process of a measurement does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{contender::Contender, running::Running, sample::Done};
use crate::{Failure, domain::COMMANDS_PER_STREAM, places::Location, worker::Orders};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(super) contender: Contender,
    pub(super) location: Location,
    /// Which one of several this is.
    pub(super) process: usize,
    pub(super) tasks: usize,
    /// Of a limit.
    pub(super) connections: usize,
    pub(super) contested: bool,
    pub(super) time: Duration,
}

/// Of ten commands, one gets in the way of another one, which is decided again.
const CONTESTED: u64 = 9;

pub(crate) async fn work(job: Job, mut orders: Orders) -> Result<Done, Failure> {
    let running = Arc::new(Running::open(&job).await?);
    orders.ready().await?;
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..job.tasks {
        let running = Arc::clone(&running);
        let Job { process, time, contested, .. } = job;
        tasks.spawn(async move {
            let name = format!("order-{process}-{task}");
            let mut done = Done { commands: 0, conflicts: 0, took: time, nanoseconds: Vec::new() };
            for stream in 0_u64.. {
                if started.elapsed() >= time {
                    break;
                }
                let stream = format!("{name}-{stream}");
                for number in 0..COMMANDS_PER_STREAM {
                    let began = Instant::now();
                    let contested = contested && done.nanoseconds.len() as u64 % CONTESTED == CONTESTED - 1;
                    done.conflicts += running.command(task, &stream, number, contested).await?;
                    done.commands += 1 + u64::from(contested);
                    done.nanoseconds.push(u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX));
                }
            }
            Ok::<_, Failure>(done)
        });
    }
    let mut all = Done { commands: 0, conflicts: 0, took: Duration::ZERO, nanoseconds: Vec::new() };
    while let Some(done) = tasks.join_next().await {
        let done = done??;
        all.commands += done.commands;
        all.conflicts += done.conflicts;
        all.nanoseconds.extend(done.nanoseconds);
    }
    all.took = started.elapsed();
    Ok(all)
}
