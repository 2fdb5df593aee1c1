//! Commands at a steady pace.

use std::time::Duration;

use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::Failure;

const EVERY: Duration = Duration::from_millis(5);

/// Runs so many commands, a new one each 5 ms, whether the one before is done or not. Returns how long each took that
/// is measured, in order of length.
pub(crate) async fn ticks<F>(commands: u64, run: impl Fn(u64) -> F) -> Result<Vec<Duration>, Failure>
where
    F: Future<Output = Result<Duration, Failure>> + Send + 'static,
{
    /// Until connections are open and statements prepared.
    const WARM_UP: u64 = 20;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = JoinSet::new();
    for number in 0..WARM_UP + commands {
        ticks.tick().await;
        let run = run(number);
        running.spawn(async move { Ok::<_, Failure>((number, run.await?)) });
    }
    let mut times = Vec::new();
    while let Some(task) = running.join_next().await {
        let (number, took) = task??;
        if number >= WARM_UP {
            times.push(took);
        }
    }
    times.sort_unstable();
    Ok(times)
}
