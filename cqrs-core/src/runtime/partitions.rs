//! What a runner knows of the partitions of the build that is kept up to date: of those that run here by itself, of the
//! others from the read store.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{lag::Lag, owner::Owner, partition_health::PartitionHealth};
use crate::{
    envelope::Position,
    store::{Build, Checkpoint, Partition, ProjectionId, Standing},
};

/// A build is one partition where it is not divided.
pub(super) struct Partitions {
    me: Owner,
    build: ProjectionId,
    of: u16,
    reached: BTreeMap<Partition, Reached>,
    /// Who was seen to run each; of the whole, who leads.
    owners: BTreeMap<Partition, Owner>,
    /// Leases are held here.
    holds: bool,
    /// That of the whole, too.
    leads: bool,
}

/// How far a partition is.
struct Reached {
    applied: Position,
    as_of: Timestamp,
    parked: u64,
    /// Another build answers until it has caught up.
    is_building: bool,
    /// `None` where it runs here, or ran here last.
    elsewhere: Option<Sighting>,
}

/// What was seen of a partition that runs elsewhere.
struct Sighting {
    lag: Lag,
    at: Instant,
}

/// The head of the log, and the time.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) head: Position,
    pub(super) time: Timestamp,
    pub(super) instant: Instant,
    /// When the application was started.
    pub(super) started: Timestamp,
}

/// How several partitions are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) applied: Position,
    pub(super) lag: Lag,
    pub(super) parked: u64,
    pub(super) age: Duration,
}

impl Reached {
    fn of(checkpoint: &Checkpoint) -> Self {
        let Checkpoint { position: applied, as_of, parked, standing, .. } = *checkpoint;
        Self { applied, as_of, parked, is_building: standing == Standing::Building, elsewhere: None }
    }

    /// Since when what is not applied counts: of a build that has nothing yet, since the application was started.
    fn since(&self, now: Now) -> Timestamp {
        if self.applied == Position::ZERO { self.as_of.max(now.started) } else { self.as_of }
    }

    /// Lag of what runs elsewhere is not measured from when it was seen on: what has been applied since is not known.
    fn lag(&self, now: Now) -> Lag {
        match &self.elsewhere {
            Some(seen) => seen.lag,
            None => Lag::measure(self.applied, now.head, self.since(now), now.time),
        }
    }

    fn age(&self, now: Now) -> Duration {
        self.elsewhere.as_ref().map_or(Duration::ZERO, |seen| now.instant.duration_since(seen.at))
    }

    /// It is seen now.
    fn leave(&mut self, now: Now) {
        if self.elsewhere.is_none() {
            self.elsewhere = Some(Sighting { lag: self.lag(now), at: now.instant });
        }
    }
}

impl Partitions {
    pub(super) const fn new(me: Owner, build: ProjectionId) -> Self {
        Self {
            me,
            build,
            of: 1,
            reached: BTreeMap::new(),
            owners: BTreeMap::new(),
            holds: false,
            leads: false,
        }
    }

    /// Leases are held here from now on.
    pub(super) const fn hold(&mut self, leads: bool) {
        (self.holds, self.leads) = (true, leads);
    }

    /// No lease is held here any more. What ran here stays this application's to tell of, until another one runs it.
    pub(super) const fn release(&mut self) {
        (self.holds, self.leads) = (false, false);
    }

    /// A partition that runs here is as far as this; another build's is not meant.
    pub(super) fn reach(&mut self, id: &ProjectionId, checkpoint: &Checkpoint) {
        if self.is_of(id) {
            self.reached.insert(id.partition, Reached::of(checkpoint));
        }
    }

    /// How many events of a partition are parked.
    pub(super) fn parked(&self, id: &ProjectionId) -> u64 {
        let reached = self.reached.get(&id.partition).filter(|_| self.is_of(id));
        reached.map_or(0, |reached| reached.parked)
    }

    fn is_of(&self, id: &ProjectionId) -> bool {
        id.partition.of() == self.of && id.whole() == self.build
    }

    /// What runs here does not answer yet.
    pub(super) fn is_building(&self) -> bool {
        self.reached.values().any(|reached| reached.elsewhere.is_none() && reached.is_building)
    }

    /// All that runs here holds what was recorded before `as_of`.
    pub(super) fn set_as_of(&mut self, as_of: Timestamp) {
        let here = self.reached.values_mut().filter(|reached| reached.elsewhere.is_none());
        here.for_each(|reached| reached.as_of = as_of);
    }

    /// A partition does not run here any more.
    pub(super) fn leave(&mut self, partition: Partition, now: Now) {
        if let Some(reached) = self.reached.get_mut(&partition) {
            reached.leave(now);
        }
    }

    /// Who runs each partition, as the read store tells.
    pub(super) fn see_owners(&mut self, owners: &BTreeMap<Partition, Owner>, now: Now) {
        self.owners.clone_from(owners);
        for (partition, owner) in owners {
            if owner.id != self.me.id {
                self.leave(*partition, now);
            }
        }
    }

    /// How far those are that run elsewhere, as the read store tells.
    pub(super) fn see(&mut self, build: &ProjectionId, of: u16, builds: &[Build], now: Now) {
        // Whoever ran all of a build before it was divided anew, or another one took its place, runs all of this one.
        let mut is_here = false;
        if (&self.build, self.of) != (build, of) {
            is_here = self.runs_all();
            (self.build, self.of) = (build.clone(), of);
            self.reached.clear();
        }
        for Build { id, checkpoint, .. } in builds {
            let Some(checkpoint) = checkpoint.filter(|_| self.is_of(id)) else { continue };
            if self.reached.get(&id.partition).is_some_and(|known| known.elsewhere.is_none()) {
                continue;
            }
            let mut reached = Reached::of(&checkpoint);
            if !is_here {
                reached.leave(now);
            }
            self.reached.insert(id.partition, reached);
        }
    }

    fn runs_all(&self) -> bool {
        !self.reached.is_empty() && self.reached.values().all(|reached| reached.elsewhere.is_none())
    }

    /// Nothing is known of any.
    pub(super) fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }

    /// Who runs the projection, or leads it where it is divided.
    pub(super) fn owner(&self) -> Option<Owner> {
        if self.leads { Some(self.me.clone()) } else { self.other(Partition::WHOLE) }
    }

    /// Which other application was seen to run a partition.
    fn other(&self, partition: Partition) -> Option<Owner> {
        self.owners.get(&partition).filter(|owner| owner.id != self.me.id).cloned()
    }

    /// All that is known; `None` where nothing is.
    pub(super) fn all(&self, now: Now) -> Option<Sum> {
        sum(self.reached.values(), now)
    }

    /// What runs here; `None` where nothing does.
    pub(super) fn here(&self, now: Now) -> Option<Sum> {
        sum(self.reached.values().filter(|reached| reached.elsewhere.is_none()), now)
    }

    /// Each, where the build is divided.
    pub(super) fn each(&self, now: Now) -> Vec<PartitionHealth> {
        let divided = self.reached.iter().filter(|(partition, _)| !partition.is_whole());
        divided
            .map(|(&partition, reached)| {
                let is_here = reached.elsewhere.is_none();
                PartitionHealth {
                    partition,
                    owner: if is_here && self.holds { Some(self.me.clone()) } else { self.other(partition) },
                    is_here,
                    applied: reached.applied,
                    lag: reached.lag(now),
                    parked: reached.parked,
                    age: reached.age(now),
                }
            })
            .collect()
    }
}

fn sum<'r>(several: impl Iterator<Item = &'r Reached>, now: Now) -> Option<Sum> {
    several
        .map(|reached| {
            let Reached { applied, parked, .. } = *reached;
            Sum { applied, lag: reached.lag(now), parked, age: reached.age(now) }
        })
        .reduce(|a, b| Sum {
            applied: a.applied.min(b.applied),
            lag: Lag { events: a.lag.events.max(b.lag.events), time: a.lag.time.max(b.lag.time) },
            parked: a.parked.saturating_add(b.parked),
            age: a.age.max(b.age),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::LogId;

    fn build() -> ProjectionId {
        ProjectionId::new("orders", 1)
    }

    fn checkpoint(position: u64, as_of: i64, parked: u64) -> Checkpoint {
        Checkpoint {
            log: LogId::from_uuid(uuid::Uuid::nil()),
            position: Position::new(position),
            last: None,
            diverged: false,
            head: Position::new(position),
            as_of: Timestamp::from_second(as_of).expect("in range"),
            parked,
            fence: 1,
            standing: Standing::Live,
            partitions: 2,
        }
    }

    /// Those of a build, each at its position.
    fn stored(build: &ProjectionId, positions: [u64; 2]) -> Vec<Build> {
        let of = |(partition, position)| Build {
            id: build.partition(partition),
            fingerprint: 0,
            checkpoint: Some(checkpoint(position, 100, 1)),
        };
        Partition::all(2).zip(positions).map(of).collect()
    }

    /// So many seconds later, with the head of the log there.
    fn later(began: Instant, seconds: u32, head: u64) -> Now {
        let time = Timestamp::from_second(100 + i64::from(seconds)).expect("in range");
        let instant = began + Duration::from_secs(1) * seconds;
        let started = Timestamp::from_second(99).expect("in range");
        Now { head: Position::new(head), time, instant, started }
    }

    fn lag(events: u64, seconds: u64) -> Lag {
        Lag { events, time: Duration::from_secs(seconds) }
    }

    #[test]
    fn what_runs_here_is_measured_now_and_what_runs_elsewhere_is_as_it_was_seen() {
        let began = Instant::now();
        let mut partitions = Partitions::new(Owner::start(), build());
        partitions.hold(false);
        partitions.see(&build(), 2, &stored(&build(), [7, 8]), later(began, 1, 9));
        let [first, _] = [0, 1].map(|index| Partition::new(index, 2).expect("there is one"));
        partitions.reach(&build().partition(first), &checkpoint(9, 100, 2));
        let now = later(began, 5, 12);
        let each: Vec<_> =
            partitions.each(now).iter().map(|it| (it.is_here, it.lag, it.age.as_secs())).collect();
        assert_eq!(each, [(true, lag(3, 5), 0), (false, lag(1, 1), 4)]);
        let all = Sum { applied: Position::new(8), lag: lag(3, 5), parked: 3, age: Duration::from_secs(4) };
        assert_eq!(partitions.all(now), Some(all));
        assert_eq!(partitions.here(now).map(|here| (here.applied, here.parked)), Some((Position::new(9), 2)));
    }

    #[test]
    fn a_build_that_has_nothing_yet_is_behind_since_the_application_was_started() {
        let began = Instant::now();
        let mut partitions = Partitions::new(Owner::start(), build());
        partitions.hold(true);
        let new = Checkpoint { standing: Standing::Building, ..checkpoint(0, 0, 0) };
        partitions.reach(&build(), &new);
        let here = |partitions: &Partitions| partitions.here(later(began, 2, 7)).map(|here| here.lag);
        assert_eq!(here(&partitions), Some(lag(7, 3)), "not since 1970");
        assert!(partitions.is_building());
        partitions.reach(&build(), &checkpoint(5, 100, 0));
        assert_eq!(here(&partitions), Some(lag(2, 2)));
        assert!(!partitions.is_building());
    }

    #[test]
    fn what_ran_here_is_told_of_until_another_one_is_seen_to_run_it() {
        let (began, me, other) = (Instant::now(), Owner::start(), Owner::start());
        let mut partitions = Partitions::new(me.clone(), build());
        partitions.see(&build(), 2, &stored(&build(), [7, 7]), later(began, 0, 7));
        partitions.hold(true);
        for partition in Partition::all(2) {
            partitions.reach(&build().partition(partition), &checkpoint(7, 100, 0));
        }
        let owners = |partitions: &Partitions| -> Vec<_> {
            let each = partitions.each(later(began, 1, 9)).into_iter();
            each.map(|partition| partition.owner).chain([partitions.owner()]).collect()
        };
        assert_eq!(owners(&partitions), [Some(me.clone()), Some(me.clone()), Some(me.clone())]);
        partitions.release();
        assert_eq!(owners(&partitions), [None, None, None]);
        assert_eq!(partitions.here(later(began, 2, 9)).map(|here| here.lag), Some(lag(2, 2)));
        // It was not forgotten yet that this one had the second.
        let seen = Partition::all(2).zip([other.clone(), me]).collect();
        partitions.see_owners(&seen, later(began, 2, 9));
        assert_eq!(owners(&partitions), [Some(other.clone()), None, None]);
        assert!(partitions.here(later(began, 3, 9)).is_some());
        let seen = Partition::all(2).chain([Partition::WHOLE]).map(|it| (it, other.clone())).collect();
        partitions.see_owners(&seen, later(began, 3, 9));
        assert_eq!(owners(&partitions), [Some(other.clone()), Some(other.clone()), Some(other)]);
        assert_eq!(partitions.here(later(began, 4, 9)), None);
    }

    #[test]
    fn whoever_ran_all_of_a_build_runs_all_of_the_next_one_and_nothing_of_the_one_before() {
        let (began, next) = (Instant::now(), build().generation(1));
        let mut partitions = Partitions::new(Owner::start(), build());
        partitions.reach(&build(), &checkpoint(7, 100, 0));
        for (build, positions) in [(build(), [7, 7]), (next.clone(), [8, 9])] {
            partitions.see(&build, 2, &stored(&build, positions), later(began, 1, 9));
            assert_eq!(partitions.each(later(began, 1, 9)).iter().filter(|it| it.is_here).count(), 2);
        }
        let [first, second] = [0, 1].map(|index| Partition::new(index, 2).expect("there is one"));
        partitions.reach(&build().partition(first), &checkpoint(2, 100, 5));
        partitions
            .reach(&next.partition(Partition::new(3, 4).expect("there is one")), &checkpoint(2, 100, 5));
        assert_eq!(partitions.all(later(began, 1, 9)).map(|all| all.applied), Some(Position::new(8)));
        assert_eq!(partitions.parked(&build().partition(first)), 0);
        partitions.leave(second, later(began, 1, 9));
        partitions.see(&build(), 2, &stored(&build(), [9, 9]), later(began, 1, 9));
        assert_eq!(partitions.here(later(began, 1, 9)), None);
    }
}
