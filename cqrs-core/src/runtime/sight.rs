use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::JoinError,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    checkpoint_health::{CheckpointHealth, CheckpointState},
    contract::Contract,
    lag::{Lag, elapsed},
    lease,
    owner::Owner,
    partition_health::PartitionHealth,
    projection_health::LastError,
    with_causes,
};
use crate::{
    envelope::Position,
    query::{Current, Progress},
    store::{Checkpoint, Error, Partition},
};

/// How long a read store may take before it counts as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// One projection, watched from its read store.
pub(super) struct Sight {
    contract: Contract,
    views: Arc<Current>,
    /// The head of the log, where this program has it.
    head: Option<watch::Receiver<Position>>,
    heartbeat: Duration,
    seen: Mutex<Seen>,
}

/// What was seen of it.
struct Seen {
    answer: Answer,
    /// When the read store has told what is known; at first, when watching began.
    answered: Instant,
    checkpoint: Option<Checkpoint>,
    /// When the checkpoint was last seen to move, by this process's own clock; at first, when watching began.
    moved: Instant,
    /// The checkpoints of partitions, and when each was last seen to move.
    partitions: BTreeMap<Partition, (Checkpoint, Instant)>,
    /// Who runs each partition; of the whole, who leads.
    owners: BTreeMap<Partition, Owner>,
    last_error: Option<LastError>,
    /// How far the clock that wrote the checkpoint was ahead when it came.
    clock_ahead: Duration,
}

/// What the read store tells at a heartbeat.
struct Told {
    progress: Progress,
    /// `None` where that can't be read.
    owners: Option<BTreeMap<Partition, Owner>>,
}

/// What the read store last said.
enum Answer {
    Awaited,
    Given,
    Refused(String),
}

impl Sight {
    pub(super) fn new(
        contract: Contract,
        views: Arc<Current>,
        head: Option<watch::Receiver<Position>>,
        heartbeat: Duration,
    ) -> Self {
        let seen = Seen {
            answer: Answer::Awaited,
            answered: Instant::now(),
            checkpoint: None,
            moved: Instant::now(),
            partitions: BTreeMap::new(),
            owners: BTreeMap::new(),
            last_error: None,
            clock_ahead: Duration::ZERO,
        };
        Self { contract, views, head, heartbeat, seen: Mutex::new(seen) }
    }

    /// Looks at what is asked by queries, and at who runs it.
    async fn look(&self) -> Result<Told, Error> {
        let progress = self.views.progress(self.contract.projection()).await?;
        let owners = match lease::holders(&*self.views, &progress.build).await {
            Ok(owners) => Some(owners),
            // Whoever may read views may not be allowed to read leases: how fresh they are is known all the same.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(build = %progress.build, error, "who runs a projection can't be read");
                None
            }
        };
        Ok(Told { progress, owners })
    }

    /// Looks at the checkpoint at each heartbeat, and measures the lag also while the store does not answer.
    pub(super) async fn watch(&self) {
        let mut ticks = interval(self.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut asking = Box::pin(timeout(PATIENCE, self.look()));
            let answer = loop {
                tokio::select! {
                    biased;
                    answer = &mut asking => break answer,
                    _ = ticks.tick() => self.observe(),
                }
            };
            self.take_in(answer.unwrap_or_else(|_| {
                let silence = format!("no answer within {} s", PATIENCE.as_secs());
                Err(Error::unavailable("reads the checkpoint", silence))
            }));
            self.observe();
        }
    }

    fn take_in(&self, answer: Result<Told, Error>) {
        let projection = self.contract.projection();
        let mut seen = self.lock();
        match answer {
            Ok(Told { progress: Progress { checkpoint, partitions, .. }, owners }) => {
                if let Answer::Refused(_) = seen.answer {
                    tracing::info!(%projection, "the read store answers again");
                }
                let now = Instant::now();
                (seen.answer, seen.answered) = (Answer::Given, now);
                seen.owners = owners.unwrap_or_default();
                seen.move_partitions(partitions, now);
                if checkpoint == seen.checkpoint {
                    return;
                }
                let ahead = checkpoint
                    .map_or(Duration::ZERO, |checkpoint| elapsed(Timestamp::now(), checkpoint.as_of));
                if ahead > self.grace() && seen.clock_ahead <= self.grace() {
                    tracing::warn!(%projection, ?ahead, "the clock of the projection's host is ahead, so its lag is shown too low");
                }
                (seen.checkpoint, seen.moved, seen.clock_ahead) = (checkpoint, now, ahead);
            }
            Err(error) => {
                let error = with_causes(&error);
                if !matches!(seen.answer, Answer::Refused(_)) {
                    tracing::warn!(%projection, error, "how fresh a projection is can't be seen");
                }
                seen.last_error = Some(LastError::now(error.clone()));
                seen.answer = Answer::Refused(error);
            }
        }
    }

    /// Looking at the checkpoint has panicked.
    pub(super) fn lost(&self, error: &JoinError) {
        self.take_in(Err(Error::unavailable("reads the checkpoint", error.to_string())));
        self.observe();
    }

    pub(super) const fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Tells of the lag; not before there was an answer, or time for one.
    fn observe(&self) {
        let (lag, parked) = {
            let seen = self.lock();
            let lag = self.measure(&seen).1;
            if matches!(seen.answer, Answer::Awaited) && !self.contract.is_broken_by(lag) {
                return;
            }
            (lag, seen.checkpoint.map_or(0, |checkpoint| checkpoint.parked))
        };
        self.contract.observe(lag, parked);
    }

    pub(super) fn health(&self) -> CheckpointHealth {
        let seen = self.lock();
        let (head, lag) = self.measure(&seen);
        let still = seen.still();
        let state = match (&seen.answer, &seen.checkpoint) {
            (Answer::Refused(error), _) => CheckpointState::Unreachable { error: error.clone() },
            (Answer::Awaited, _) => CheckpointState::Unknown,
            (Answer::Given, None) => CheckpointState::NotBuilt,
            (Answer::Given, Some(checkpoint)) if checkpoint.diverged => CheckpointState::Diverged,
            (Answer::Given, Some(_)) if still > self.silence() => CheckpointState::Silent { since: still },
            (Answer::Given, Some(_)) => CheckpointState::Moving,
        };
        CheckpointHealth {
            projection: self.contract.projection().clone(),
            state,
            applied: seen.checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position),
            head,
            lag,
            max_lag: self.contract.max_lag(),
            breached: self.contract.is_broken_by(lag),
            parked: seen.checkpoint.map_or(0, |checkpoint| checkpoint.parked),
            owner: seen.owners.get(&Partition::WHOLE).cloned(),
            partitions: self.partitions(&seen, head),
            age: seen.answered.elapsed(),
            last_error: seen.last_error.clone(),
            clock_ahead: seen.clock_ahead,
        }
    }

    fn partitions(&self, seen: &Seen, head: Position) -> Vec<PartitionHealth> {
        let (now, age) = (Timestamp::now(), seen.answered.elapsed());
        let health =
            |(&partition, (checkpoint, moved)): (&Partition, &(Checkpoint, Instant))| PartitionHealth {
                partition,
                owner: seen.owners.get(&partition).cloned(),
                is_here: false,
                applied: checkpoint.position,
                lag: measure(Some(checkpoint), head, moved.elapsed(), now, self.grace()).1,
                parked: checkpoint.parked,
                age,
            };
        seen.partitions.iter().map(health).collect()
    }

    /// The time in which a process that runs the projection shows a sign of life, twice: one may be late.
    fn grace(&self) -> Duration {
        self.heartbeat.saturating_mul(2)
    }

    /// After so long without a sign of life nobody runs the projection, or it is stuck.
    fn silence(&self) -> Duration {
        self.contract.max_lag().unwrap_or(self.grace()).max(self.grace())
    }

    fn measure(&self, seen: &Seen) -> (Position, Lag) {
        let known = self.head.as_ref().map_or(Position::ZERO, |head| *head.borrow());
        let now = Timestamp::now();
        let (head, whole) = measure(seen.checkpoint.as_ref(), known, seen.moved.elapsed(), now, self.grace());
        // The others move also where one stands still, and so does what all of them are together.
        let each = seen
            .partitions
            .values()
            .map(|(checkpoint, moved)| measure(Some(checkpoint), head, moved.elapsed(), now, self.grace()).1);
        let worst = |a: Lag, b: Lag| Lag { events: a.events.max(b.events), time: a.time.max(b.time) };
        (head, each.fold(whole, worst))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// For how long it has not moved, or a partition of it.
    fn still(&self) -> Duration {
        let each = self.partitions.values().map(|(_, moved)| moved.elapsed());
        each.fold(self.moved.elapsed(), Duration::max)
    }

    /// What is not among them is of another division, or of another build.
    fn move_partitions(&mut self, checkpoints: BTreeMap<Partition, Checkpoint>, now: Instant) {
        let mut known = std::mem::take(&mut self.partitions);
        for (partition, checkpoint) in checkpoints {
            let still = known.remove(&partition).filter(|(before, _)| *before == checkpoint);
            self.partitions.insert(partition, still.unwrap_or((checkpoint, now)));
        }
    }
}

/// The head of the log as far as it is known, and the lag at `now` of a projection whose checkpoint has not moved for
/// `still`.
///
/// What is not known to be applied counts from the moment of which the checkpoint says that all before it is. Nobody here
/// knows of events since; so a checkpoint at the head is taken to be there still for a moment of `grace`, in which the next
/// heartbeat comes. See docs/adr/0018-readers-check-lag.md.
fn measure(
    checkpoint: Option<&Checkpoint>,
    known: Position,
    still: Duration,
    now: Timestamp,
    grace: Duration,
) -> (Position, Lag) {
    let Some(checkpoint) = checkpoint else {
        return (known, Lag { events: known.get(), time: still });
    };
    let head = known.max(checkpoint.head);
    let events = head.since(checkpoint.position);
    // By two clocks, of which the other one may be ahead; by one, which knows only of what it has seen.
    let time = elapsed(checkpoint.as_of, now).max(still);
    let is_at_head = events == 0 && !checkpoint.diverged;
    (head, if is_at_head && time <= grace { Lag::default() } else { Lag { events, time } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::LogId;

    const GRACE: Duration = Duration::from_millis(500);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).expect("in range")
    }

    fn checkpoint(position: u64, head: u64, as_of: i64) -> Checkpoint {
        Checkpoint {
            log: LogId::from_uuid(uuid::Uuid::nil()),
            position: Position::new(position),
            last: None,
            diverged: false,
            head: Position::new(head),
            as_of: at(as_of),
            parked: 0,
            fence: 0,
            standing: crate::store::Standing::Live,
            partitions: 1,
        }
    }

    fn lag(checkpoint: Option<Checkpoint>, known: u64, still: u64, now: i64) -> (u64, u128) {
        let still = Duration::from_millis(still);
        let lag = measure(checkpoint.as_ref(), Position::new(known), still, at(now), GRACE).1;
        (lag.events, lag.time.as_millis())
    }

    #[test]
    fn a_checkpoint_at_the_head_is_no_lag_until_its_next_heartbeat_is_overdue() {
        assert_eq!(lag(Some(checkpoint(7, 7, 1_000)), 0, 500, 1_500), (0, 0));
        assert_eq!(lag(Some(checkpoint(7, 7, 1_000)), 0, 501, 1_501), (0, 501));
    }

    #[test]
    fn a_checkpoint_behind_the_head_counts_from_the_oldest_event_that_waits() {
        assert_eq!(lag(Some(checkpoint(7, 9, 1_000)), 0, 10, 1_100), (2, 100));
    }

    #[test]
    fn a_head_that_this_program_knows_of_counts_too() {
        assert_eq!(lag(Some(checkpoint(7, 7, 1_000)), 8, 10, 1_100), (1, 100));
    }

    #[test]
    fn a_clock_that_is_ahead_hides_no_silence() {
        assert_eq!(lag(Some(checkpoint(7, 7, 60_000)), 0, 2_001, 1_000), (0, 2_001));
    }

    #[test]
    fn a_log_that_was_put_back_is_never_without_lag() {
        let diverged = Checkpoint { diverged: true, ..checkpoint(7, 7, 1_000) };
        assert_eq!(lag(Some(diverged), 0, 100, 1_100), (0, 100));
    }

    #[test]
    fn what_was_never_built_is_behind_since_watching_began() {
        assert_eq!(lag(None, 3, 100, 1_100), (3, 100));
    }
}
