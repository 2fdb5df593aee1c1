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
    /// It was the head when this process appended last.
    is_head: bool,
}

impl Anchor {
    /// None yet: the past begins with the next append.
    pub(super) fn new() -> Self {
        Self { past: Past::begin(), event: None, is_head: false }
    }

    pub(super) fn event(&self) -> Option<(Position, EventId)> {
        self.event
    }

    /// The anchor, where it seems to be the log's last event, too.
    pub(super) fn head(&self) -> Option<EventId> {
        self.event.filter(|_| self.is_head).map(|(_, id)| id)
    }

    /// Somebody else has appended since.
    pub(super) fn overtaken(&mut self) {
        self.is_head = false;
    }

    /// The event was appended, the first one behind `head`, and the anchor before it was there.
    pub(super) fn put(&mut self, head: Position, position: Position, id: EventId) {
        self.is_head = self.event.is_none_or(|(before, _)| before == head);
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
