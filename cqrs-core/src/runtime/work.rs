use super::{
    place::{Goal, Place},
    policy::Stop,
};
use crate::{
    domain::{FeedSpec, OnError},
    envelope::RecordedEvent,
    store::{BoxFuture, Error},
};

/// What a projection does with the events that are read for it.
pub(super) trait Work: Send + Sync + 'static {
    /// The events that it wants.
    fn feeds(&self) -> Vec<FeedSpec>;

    /// What happens with an event that can't be folded in.
    fn on_error(&self) -> OnError;

    /// Makes room in its store; does nothing where all is there.
    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes a page of events in, as far as that needs no store: it is done while the page before is being written.
    fn take_in(&self, events: Vec<RecordedEvent>) -> Box<dyn Batch>;
}

/// A page of events, taken in.
pub(super) trait Batch: Send {
    /// Writes what the events do, together with the checkpoint: in one commit, or in several on the way to the goal.
    /// The place moves with each.
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), Stop>>;
}
