//! Commands at a steady pace.

use std::time::Duration;

use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::Failure;

const EVERY: Duration = Duration::from_millis(5);

/// So many commands are not measured: until connections are open and statements prepared.
const WARM_UP: u64 = 20;

/// Whether the command with this number is measured.
pub(crate) const fn counts(number: u64) -> bool {
    number >= WARM_UP
}

/// Runs so many commands, a new one each 5 ms, whether the one before is done or not. Returns what came of each that is
/// measured.
pub(crate) async fn ticks<T, F>(commands: u64, run: impl Fn(u64) -> F) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = JoinSet::new();
    for number in 0..WARM_UP + commands {
        ticks.tick().await;
        let run = run(number);
        running.spawn(async move { Ok::<_, Failure>((number, run.await?)) });
    }
    let mut results = Vec::new();
    while let Some(task) = running.join_next().await {
        let (number, result) = task??;
        if counts(number) {
            results.push(result);
        }
    }
    Ok(results)
}
