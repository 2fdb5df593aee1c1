//! Who runs a projection: of the applications that share its read store, one leads it; where it is divided, all of them
//! run partitions of it.
//!
//! Each of these is a lease: an [entry](crate::store::Entry) that its owner touches three times in its time to live. Once
//! it is older than that by the store's clock, whoever puts it anew is the owner, and the entry's new revision its fencing
//! number: the read store takes no batch with a smaller one after the new owner's first. So no clock of a process
//! decides who writes. A process that was held up asks, before it writes, whether its leases are still its own.
//!
//! Two more entries are no leases, but live in the same way: that an application is there to run partitions, and that
//! the one that leads wants all of them for a while.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::owner::Owner;
use crate::{
    envelope::Json,
    store::{Entry, Error, Partition, ProjectionId, ViewStore},
};

/// Entries of applications that have died are removed when they are so many times as old as they live.
const FORGET_AFTER: u32 = 40;

const MEMBER: &str = "member ";
const GATHERING: &str = "gathering";

/// What an entry says.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    /// `None` where its last owner has given it back.
    owner: Option<Owner>,
    /// For how long it is the owner's without being touched.
    ttl_ms: u64,
}

/// Where leases of a projection are had.
#[derive(Clone)]
pub(super) struct Leases {
    views: Arc<dyn ViewStore>,
    group: String,
    me: Owner,
    ttl: Duration,
}

/// Who holds what.
#[derive(Default)]
pub(super) struct Seen {
    revisions: BTreeMap<String, u64>,
    pub(super) holders: BTreeMap<Partition, Owner>,
    /// Those that are there to run partitions.
    members: BTreeMap<Uuid, Owner>,
    /// Who wants all partitions for a while.
    pub(super) gathering: Option<Owner>,
}

impl Seen {
    /// How many partitions of so many each application holds that is there, this one included.
    pub(super) fn held(&self, partitions: u16, me: &Owner) -> BTreeMap<Uuid, usize> {
        let mut held: BTreeMap<Uuid, usize> = self.members.keys().map(|id| (*id, 0)).collect();
        held.insert(me.id, 0);
        for owner in self.of(partitions).filter_map(|(_, owner)| owner) {
            *held.entry(owner.id).or_default() += 1;
        }
        held
    }

    /// All partitions of so many, and who holds each.
    pub(super) fn of(&self, partitions: u16) -> impl Iterator<Item = (Partition, Option<&Owner>)> {
        Partition::all(partitions).map(|partition| (partition, self.holders.get(&partition)))
    }
}

fn group(projection: &ProjectionId) -> String {
    format!("leases of {}", projection.whole().generation(0))
}

impl Leases {
    pub(super) fn of(views: Arc<dyn ViewStore>, projection: &ProjectionId, me: Owner, ttl: Duration) -> Self {
        Self { views, group: group(projection), me, ttl }
    }

    /// Who holds what. Forgets applications that have died.
    pub(super) async fn look(&self) -> Result<Seen, Error> {
        let entries = self.views.coordination().entries(&self.group).await?;
        let mut seen = Seen::default();
        for entry in entries {
            if entry.key.starts_with(MEMBER) && entry.age > self.ttl * FORGET_AFTER {
                let coordination = self.views.coordination();
                coordination.remove_entry(&self.group, &entry.key, entry.revision).await?;
                continue;
            }
            let holder = holder(&entry)?;
            seen.revisions.insert(entry.key.clone(), entry.revision);
            let Some(owner) = holder else { continue };
            if entry.key.starts_with(MEMBER) {
                seen.members.insert(owner.id, owner);
            } else if entry.key == GATHERING {
                seen.gathering = Some(owner);
            } else if let Ok(partition) = entry.key.parse() {
                seen.holders.insert(partition, owner);
            }
        }
        Ok(seen)
    }

    /// Holds nothing, but what it will take.
    pub(super) fn hold(&self) -> Lease {
        let held = Arc::new(Held { leases: self.clone(), state: Mutex::default() });
        let (lose, lost) = watch::channel(false);
        let touching = tokio::spawn({
            let held = Arc::clone(&held);
            async move {
                loop {
                    tokio::time::sleep(held.leases.ttl / 3).await;
                    match held.touch().await {
                        Ok(true) => {}
                        Ok(false) => break,
                        // Nobody else can take them while the store is away.
                        Err(error) => {
                            let error = &error as &dyn std::error::Error;
                            tracing::debug!(leases = held.leases.group, error, "the leases can't be touched");
                        }
                    }
                }
                lose.send_replace(true);
            }
        });
        Lease { held, lost, touching }
    }

    fn claim(&self, owner: Option<Owner>) -> Json {
        let ttl_ms = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        Json::of(&Claim { owner, ttl_ms }).expect("a claim has only texts and numbers")
    }
}

/// Whether an application runs this version of a projection.
pub(super) async fn is_held(views: &dyn ViewStore, projection: &ProjectionId) -> Result<bool, Error> {
    for entry in views.coordination().entries(&group(projection)).await? {
        if holder(&entry)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who holds the leases of a build's version: of the partitions, and of the whole, which is to lead. Nothing is written.
pub(super) async fn holders(
    views: &dyn ViewStore,
    build: &ProjectionId,
) -> Result<BTreeMap<Partition, Owner>, Error> {
    let mut holders = BTreeMap::new();
    for entry in views.coordination().entries(&group(build)).await? {
        if let (Ok(partition), Some(owner)) = (entry.key.parse(), holder(&entry)?) {
            holders.insert(partition, owner);
        }
    }
    Ok(holders)
}

/// Who holds an entry.
fn holder(entry: &Entry) -> Result<Option<Owner>, Error> {
    let claim: Claim =
        entry.value.parse().map_err(|error| Error::corrupt(format!("the lease {:?}: {error}", entry.key)))?;
    Ok(claim.owner.filter(|_| entry.age < Duration::from_millis(claim.ttl_ms)))
}

/// All that an application holds of a projection; touched for as long as the handle is there.
pub(super) struct Lease {
    held: Arc<Held>,
    lost: watch::Receiver<bool>,
    touching: JoinHandle<()>,
}

struct Held {
    leases: Leases,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The revisions of the entries.
    entries: BTreeMap<String, u64>,
    /// Until then nobody else takes any of them, by this process' clock.
    until: Option<Instant>,
}

impl Lease {
    /// The fencing number of all that is written of a partition; `None` where it is not held.
    pub(super) fn fence(&self, partition: Partition) -> Option<u64> {
        self.held.state().entries.get(&partition.to_string()).copied()
    }

    pub(super) fn leads(&self) -> bool {
        self.fence(Partition::WHOLE).is_some()
    }

    /// The partitions that are held.
    pub(super) fn partitions(&self) -> Vec<Partition> {
        let state = self.held.state();
        let partitions = state.entries.keys().filter_map(|key| key.parse().ok());
        partitions.filter(|partition: &Partition| !partition.is_whole()).collect()
    }

    /// Takes a partition that nobody holds, or the whole, which is to lead; `false` where somebody else was quicker.
    pub(super) async fn take(&self, seen: &Seen, partition: Partition) -> Result<bool, Error> {
        if self.fence(partition).is_some() {
            return Ok(true);
        }
        match seen.holders.get(&partition) {
            // Also of this application, from before it started over.
            Some(owner) if owner.id != self.held.leases.me.id => Ok(false),
            _ => self.put(&partition.to_string(), seen).await,
        }
    }

    /// Says that this application is there to run partitions.
    pub(super) async fn join(&self, seen: &Seen) -> Result<(), Error> {
        let key = format!("{MEMBER}{}", self.held.leases.me.id);
        if !self.held.state().entries.contains_key(&key) {
            self.put(&key, seen).await?;
        }
        Ok(())
    }

    /// Asks all others to give their partitions up, and not to take any.
    pub(super) async fn gather(&self, seen: &Seen) -> Result<(), Error> {
        if !self.held.state().entries.contains_key(GATHERING) {
            self.put(GATHERING, seen).await?;
        }
        Ok(())
    }

    /// Lets others take partitions again.
    pub(super) async fn let_go(&self) -> Result<(), Error> {
        self.give_back(GATHERING).await
    }

    /// Gives a partition up, so that others need not wait until it runs out.
    pub(super) async fn give_up(&self, partition: Partition) -> Result<(), Error> {
        self.give_back(&partition.to_string()).await
    }

    async fn put(&self, key: &str, seen: &Seen) -> Result<bool, Error> {
        let Leases { views, group, me, ttl } = &self.held.leases;
        let asked = Instant::now();
        let expected = seen.revisions.get(key).copied().unwrap_or(0);
        let claim = self.held.leases.claim(Some(me.clone()));
        let Some(revision) = views.coordination().put_entry(group, key, expected, claim).await? else {
            return Ok(false);
        };
        let mut state = self.held.state();
        state.entries.insert(key.to_owned(), revision);
        let until = asked + *ttl;
        state.until = Some(state.until.map_or(until, |known| known.min(until)));
        Ok(true)
    }

    async fn give_back(&self, key: &str) -> Result<(), Error> {
        let Some(revision) = self.held.state().entries.remove(key) else { return Ok(()) };
        let Leases { views, group, .. } = &self.held.leases;
        // Where it is another one's by now, there is nothing to give back.
        if key.starts_with(MEMBER) {
            views.coordination().remove_entry(group, key, revision).await.map(drop)
        } else {
            let claim = self.held.leases.claim(None);
            views.coordination().put_entry(group, key, revision, claim).await.map(drop)
        }
    }

    /// Whether all that was taken is still its owner's: at once, where nobody else can have taken any of it yet; else the
    /// store is asked.
    pub(super) async fn is_held(&self) -> Result<bool, Error> {
        if *self.lost.borrow() {
            return Ok(false);
        }
        if self.held.state().until.is_some_and(|until| Instant::now() < until) {
            return Ok(true);
        }
        self.held.touch().await
    }

    /// Comes back when another one has taken some of it.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        // An error means that nobody touches it any more.
        let _: Result<_, _> = lost.wait_for(|lost| *lost).await;
    }

    /// Gives all of it back.
    pub(super) async fn release(&self) -> Result<(), Error> {
        self.touching.abort();
        let keys: Vec<String> = self.held.state().entries.keys().cloned().collect();
        for key in keys {
            self.give_back(&key).await?;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.touching.abort();
    }
}

impl Held {
    /// Touches all of it; `false` where some of it is another one's.
    async fn touch(&self) -> Result<bool, Error> {
        let asked = Instant::now();
        let held: Vec<(String, u64)> =
            self.state().entries.iter().map(|(key, revision)| (key.clone(), *revision)).collect();
        if held.is_empty() {
            return Ok(true);
        }
        let Leases { views, group, ttl, .. } = &self.leases;
        let touched = views.coordination().touch_entries(group, &held).await?;
        let mut state = self.state();
        // What was given up meanwhile does not count.
        let is_lost = held.iter().zip(touched).any(|((key, revision), is_ours)| {
            !is_ours && state.entries.get(key).is_some_and(|known| known == revision)
        });
        if !is_lost {
            state.until = Some(asked + *ttl);
        }
        Ok(!is_lost)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
