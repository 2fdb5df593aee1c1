//! Who runs a projection: one of the applications that share its read store, by a lease in it.
//!
//! The lease is an [entry](crate::store::Entry), and the owner touches it three times in its time to live. Once it is
//! older than that by the store's clock, whoever puts it anew is the owner, and the entry's new revision its fencing
//! number: the read store takes no batch with a smaller one after the new owner's first. So no clock of a process
//! decides who writes. A process that was held up asks, before it writes, whether the lease is still its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::owner::Owner;
use crate::{
    envelope::Json,
    store::{Entry, Error, ProjectionId, ViewStore, entry},
};

/// The group of the entries that are leases.
const GROUP: &str = "leases";

/// What a lease's entry says.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    /// `None` where its last owner has given it back.
    owner: Option<Owner>,
    /// For how long it is the owner's without being touched.
    ttl_ms: u64,
}

/// Where leases of a projection are had.
pub(super) struct Leases {
    views: Arc<dyn ViewStore>,
    key: String,
    me: Owner,
    ttl: Duration,
}

/// Whether a lease was to be had.
pub(super) enum Acquired {
    Own(Lease),
    /// It is another one's.
    Others(Owner),
}

impl Leases {
    pub(super) fn of(views: Arc<dyn ViewStore>, projection: &ProjectionId, me: Owner, ttl: Duration) -> Self {
        Self { views, key: projection.to_string(), me, ttl }
    }

    /// Takes the lease, where nobody else holds it.
    pub(super) async fn acquire(&self) -> Result<Acquired, Error> {
        loop {
            let known = entry(self.views.coordination(), GROUP, &self.key).await?;
            if let Some(owner) = known.as_ref().map(holder).transpose()?.flatten()
                && owner.id != self.me.id
            {
                return Ok(Acquired::Others(owner));
            }
            let expected = known.map_or(0, |entry| entry.revision);
            let asked = Instant::now();
            let claim = Claim { owner: Some(self.me.clone()), ttl_ms: millis(self.ttl) };
            let put =
                self.views.coordination().put_entry(GROUP, &self.key, expected, claim.to_json()).await?;
            // Where another one was quicker, the next look tells who.
            if let Some(fence) = put {
                return Ok(Acquired::Own(Lease::hold(self, fence, asked)));
            }
        }
    }
}

/// Whether an application runs this version of a projection.
pub(super) async fn is_held(views: &dyn ViewStore, projection: &ProjectionId) -> Result<bool, Error> {
    let known = entry(views.coordination(), GROUP, &projection.to_string()).await?;
    Ok(known.as_ref().map(holder).transpose()?.flatten().is_some())
}

/// Who holds a lease.
fn holder(entry: &Entry) -> Result<Option<Owner>, Error> {
    let claim: Claim = entry
        .value
        .parse()
        .map_err(|error| Error::corrupt(format!("the lease of {}: {error}", entry.key)))?;
    Ok(claim.owner.filter(|_| entry.age < Duration::from_millis(claim.ttl_ms)))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Claim {
    fn to_json(&self) -> Json {
        Json::of(self).expect("a claim has only texts and numbers")
    }
}

/// A lease that was had; touched for as long as the handle is there.
pub(super) struct Lease {
    held: Arc<Held>,
    lost: watch::Receiver<bool>,
    touching: JoinHandle<()>,
}

struct Held {
    views: Arc<dyn ViewStore>,
    key: String,
    fence: u64,
    ttl: Duration,
    /// Until then nobody else takes it, by this process' clock.
    until: Mutex<Instant>,
}

impl Lease {
    /// `asked`: just before the entry was put.
    fn hold(leases: &Leases, fence: u64, asked: Instant) -> Self {
        let Leases { views, key, ttl, .. } = leases;
        let until = Mutex::new(asked + *ttl);
        let held = Arc::new(Held { views: Arc::clone(views), key: key.clone(), fence, ttl: *ttl, until });
        let (lose, lost) = watch::channel(false);
        let touching = tokio::spawn({
            let held = Arc::clone(&held);
            async move {
                loop {
                    tokio::time::sleep(held.ttl / 3).await;
                    match held.touch().await {
                        Ok(true) => {}
                        Ok(false) => break,
                        // Nobody else can take it while the store is away.
                        Err(error) => {
                            let error = &error as &dyn std::error::Error;
                            tracing::debug!(lease = held.key, error, "the lease can't be touched");
                        }
                    }
                }
                lose.send_replace(true);
            }
        });
        Self { held, lost, touching }
    }

    /// The fencing number of all that its owner writes.
    pub(super) fn fence(&self) -> u64 {
        self.held.fence
    }

    /// Whether it is still its owner's: at once, where nobody else can have taken it yet; else the store is asked.
    pub(super) async fn is_held(&self) -> Result<bool, Error> {
        if *self.lost.borrow() {
            return Ok(false);
        }
        if Instant::now() < *self.held.until() {
            return Ok(true);
        }
        self.held.touch().await
    }

    /// Comes back when another one has taken it.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        // An error means that nobody touches it any more.
        let _: Result<_, _> = lost.wait_for(|lost| *lost).await;
    }

    /// Gives it back, so that others need not wait until it runs out.
    pub(super) async fn release(&self) -> Result<(), Error> {
        self.touching.abort();
        let Held { views, key, fence, ttl, .. } = &*self.held;
        let claim = Claim { owner: None, ttl_ms: millis(*ttl) };
        // Where it is another one's by now, there is nothing to give back.
        views.coordination().put_entry(GROUP, key, *fence, claim.to_json()).await.map(|_| ())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.touching.abort();
    }
}

impl Held {
    async fn touch(&self) -> Result<bool, Error> {
        let asked = Instant::now();
        let touched =
            self.views.coordination().touch_entries(GROUP, &[(self.key.clone(), self.fence)]).await?;
        let is_ours = touched == [true];
        if is_ours {
            *self.until() = asked + self.ttl;
        }
        Ok(is_ours)
    }

    fn until(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
