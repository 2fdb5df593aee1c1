use std::{fmt, sync::Arc, time::Duration};

use super::{BoxFuture, Commit, CommitError, Error, ProjectionId, ViewStore};
use crate::{
    domain::{FeedSpec, OnError},
    envelope::{Position, RecordedEvent},
};

/// A projection whose writing is its own: not documents that are folded, but whatever its code does with a batch of
/// events, such as statements on tables of its own.
///
/// A store's crate implements it, around code of the application that is given the events and the open transaction;
/// [`AppBuilder::batch_projection`](crate::app::AppBuilder::batch_projection) runs it. The runtime reads the log,
/// tries again what may pass, finds the event that is at fault where a batch is refused, parks it, and tells of lag;
/// all of that as for other projections. The checkpoint and what is parked are in a view store, so
/// [freshness](crate::query::FreshnessCheck) is asked for in the same way, too.
pub trait BatchProjection: Send + Sync + fmt::Debug + 'static {
    /// Name and version.
    fn id(&self) -> ProjectionId;

    /// The lag that the projection promises to stay under. Default: it promises none.
    fn max_lag(&self) -> Option<Duration> {
        None
    }

    /// What happens with an event that its code refuses. Default: it is parked.
    fn on_error(&self) -> OnError {
        OnError::Park
    }

    /// The events that it is given.
    fn feeds(&self) -> Vec<FeedSpec>;

    /// Where its checkpoint and its dead letters are. Commits without documents go there directly: heartbeats, and
    /// events that are parked.
    fn views(&self) -> Arc<dyn ViewStore>;

    /// Makes room for what it writes, and for its checkpoint. Does nothing where all is there.
    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Writes what `events` do, together with `commit`, which has no documents: all or nothing.
    ///
    /// The implementation takes the checkpoint *before* it runs the application's code, on the condition that it is
    /// still at [`Commit::expected`], and keeps others from it until all is written. So of two processes with one
    /// projection only one runs that code, and what the other has written is never taken for a fault of the events.
    ///
    /// # Errors
    ///
    /// [`BatchError::Commit`] where the store is at fault: the batch is tried again, for ever.
    /// [`BatchError::Refused`] where the events are, or the code that deals with them: the batch is tried in parts,
    /// and the event that fails alone is parked, and later events of its stream with it. A panic is taken for one.
    fn apply<'a>(
        &'a self,
        events: &'a [RecordedEvent],
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), BatchError>>;
}

/// Why a [`BatchProjection`] has not written a batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// An event can't be read, or the projection's code says no.
    #[error("the projection's own code refused the batch")]
    Refused {
        /// The event that is at fault, where that is known.
        at: Option<Position>,
        /// What the code said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The checkpoint or the store.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Error> for BatchError {
    fn from(error: Error) -> Self {
        Self::Commit(error.into())
    }
}
