use cqrs_core::{
    envelope::{EventId, Position},
    store::Past,
};

/// An event that the log must have, as long as it has the past that appends are told of.
///
/// Each append proves it for the ones before, and then is it for the next.
#[derive(Debug)]
pub(super) struct Anchor {
    past: Past,
    event: Option<(Position, EventId)>,
}

impl Anchor {
    /// None yet: the past begins with the next append.
    pub(super) fn new() -> Self {
        Self { past: Past::begin(), event: None }
    }

    pub(super) fn event(&self) -> Option<(Position, EventId)> {
        self.event
    }

    /// The event was appended, and the one before it was there.
    pub(super) fn put(&mut self, position: Position, id: EventId) {
        self.event = Some((position, id));
    }

    /// The past that ends with the anchor.
    pub(super) fn past(&self) -> Past {
        if self.event.is_some() { self.past } else { Past::UNKNOWN }
    }

    /// Whether conditions may rest on this past.
    pub(super) fn holds(&self, past: Past) -> bool {
        !past.is_known() || past == self.past()
    }
}
