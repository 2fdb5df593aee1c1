use std::sync::Arc;

use tokio::sync::Semaphore;

use super::decide::{fingerprint, load};
use crate::{
    domain::{Aggregate, State},
    envelope::{EventId, StreamId, Version},
    store::{EventStore, Snapshot},
};

/// How many snapshots may be on their way to the store; one more is left out, as the next command takes it again.
const AT_ONCE: usize = 4;

/// Takes snapshots beside the commands that make them due.
pub(super) struct Saver {
    permits: Arc<Semaphore>,
}

impl Saver {
    pub(super) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Saves a snapshot on the side, of the state after the event `last`; false where there is nothing to save, or too many are on their way.
    pub(super) fn save<A: Aggregate>(
        &self,
        store: &Arc<dyn EventStore>,
        stream: &StreamId,
        version: Version,
        last: EventId,
        state: &State<A>,
    ) -> bool {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return false };
        let Some(data) = state.as_ref().present().and_then(A::to_snapshot) else { return false };
        let (stream, fingerprint) = (stream.clone(), fingerprint::<A>());
        let snapshot = Snapshot { stream, version, last, fingerprint, data };
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let _permit = permit;
            put(&*store, snapshot).await;
        });
        true
    }

    /// Saves a snapshot of the aggregate as its events make it, read anew.
    pub(super) fn save_stored<A: Aggregate>(&self, store: &Arc<dyn EventStore>, stream: &StreamId) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        let (store, stream) = (Arc::clone(store), stream.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let (known, last) = match load::<A, std::convert::Infallible>(&*store, &stream, None).await {
                Ok(loading) => (loading.known, loading.last),
                Err(error) => {
                    tracing::warn!(%stream, error = &error as &dyn std::error::Error, "no snapshot could be taken");
                    return;
                }
            };
            let data = known.state.present().and_then(|state| state.to_snapshot());
            if let (Some(data), Some(last)) = (data, last) {
                let (version, fingerprint) = (known.version, fingerprint::<A>());
                put(&*store, Snapshot { stream, version, last, fingerprint, data }).await;
            }
        });
    }
}

async fn put(store: &dyn EventStore, snapshot: Snapshot) {
    let stream = snapshot.stream.clone();
    if let Err(error) = store.save_snapshot(snapshot).await {
        tracing::warn!(%stream, error = &error as &dyn std::error::Error, "a snapshot could not be saved");
    }
}

/// A snapshot is due that many events after the `last`.
pub(super) fn is_due<A: Aggregate>(last: Version, version: Version) -> bool {
    A::SNAPSHOT_EVERY.is_some_and(|every| version.since(last) >= every)
}
