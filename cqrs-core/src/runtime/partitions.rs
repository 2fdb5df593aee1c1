//! What a runner knows of the partitions of the build that is kept up to date: of those that run here by itself, of the
//! others from the read store.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{lag::Lag, owner::Owner, partition_health::PartitionHealth};
use crate::{
    envelope::Position,
    store::{Build, Checkpoint, Partition, ProjectionId},
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
        let Checkpoint { position: applied, as_of, parked, .. } = *checkpoint;
        Self { applied, as_of, parked, elsewhere: None }
    }

    /// Lag of what runs elsewhere is not measured from when it was seen on: what has been applied since is not known.
    fn lag(&self, now: Now) -> Lag {
        match &self.elsewhere {
            Some(seen) => seen.lag,
            None => Lag::measure(self.applied, now.head, self.as_of, now.time),
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
