use super::{
    place::{Goal, Place},
    policy::Stop,
    retry::{Attempt, Attempted},
};
use crate::{
    domain::{FeedSpec, OnError},
    envelope::RecordedEvent,
    store::{BoxFuture, Error, ProjectionId},
};

/// What a projection does with the events that are read for it.
pub(super) trait Work: Send + Sync + 'static {
    /// The events that it wants.
    fn feeds(&self) -> Vec<FeedSpec>;

    /// What happens with an event that can't be folded in.
    fn on_error(&self) -> OnError;

    /// Hash of its definition and of its handlers, where it is known.
    fn fingerprint(&self) -> Option<u64>;

    /// Makes room for a build in its store; does nothing where all is there.
    fn prepare<'a>(&'a self, build: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>>;

    /// Whether it writes by itself: then it can go back to an earlier position, and has one build.
    fn writes_by_itself(&self) -> bool;

    /// Into how many partitions it is to be divided.
    fn partitions(&self) -> u16;

    /// Tries parked events again, in order, up to the first that fails, and writes what came of it. The place stays.
    fn retry<'a>(
        &'a self,
        attempt: Attempt<'a>,
        place: &'a mut Place,
    ) -> BoxFuture<'a, Result<Attempted, Stop>>;

    /// Takes a page of events in, as far as that needs no store: it is done while the page before is being written.
    fn take_in(&self, events: Vec<RecordedEvent>) -> Box<dyn Batch>;
}

/// A page of events, taken in.
pub(super) trait Batch: Send {
    /// Writes what the events do, together with the checkpoint: in one commit, or in several on the way to the goal.
    /// The place moves with each.
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), Stop>>;

    /// Writes what the events do to the partitions at these places of one division, each after the position that it is at: all
    /// of it with one load and one round trip, where the store can. Places that no event concerns stay.
    fn write_among(self: Box<Self>, places: &mut [Place], goal: Goal) -> BoxFuture<'_, Result<(), Stop>>;
}
