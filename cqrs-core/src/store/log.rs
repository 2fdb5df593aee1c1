use crate::{
    domain::FeedSpec,
    envelope::{EventId, Position, RecordedEvent},
};

/// Which events of the log a reader wants: those that any selector picks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// `None`: all events.
    pub any_of: Option<Vec<Selector>>,
}

/// Picks events by the category of their stream, and by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The category of the streams.
    pub category: String,
    /// The names of the events; `None`: all of the category.
    pub names: Option<Vec<String>>,
}

impl EventFilter {
    /// All events.
    pub const ALL: Self = Self { any_of: None };

    /// The events that feed a projection.
    pub fn of_feeds(feeds: &[FeedSpec]) -> Self {
        let selectors = feeds.iter().map(|feed| Selector {
            category: feed.category.to_owned(),
            names: (!feed.whole).then(|| feed.types.iter().map(|event| event.name.to_owned()).collect()),
        });
        Self { any_of: Some(selectors.collect()) }
    }

    /// Whether the filter picks an event.
    pub fn picks(&self, category: &str, name: &str) -> bool {
        self.any_of.as_ref().is_none_or(|selectors| {
            selectors.iter().any(|selector| {
                selector.category == category
                    && selector.names.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
            })
        })
    }
}

/// A stretch of the log.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// The id of the event after which the page begins, whether the filter picks it or not; `None` before the first event,
    /// and where the log has none there. A reader that knows it already finds out by it that the log was put back.
    pub before: Option<EventId>,
    /// The events that the filter picks, in order of their positions.
    pub events: Vec<RecordedEvent>,
    /// Every event up to here has been looked at: reading goes on after it.
    pub through: Position,
    /// The id of the event at `through`, whether the filter picks it or not; `None` before the first event.
    pub last: Option<EventId>,
    /// The head of the log when the page was read.
    pub head: Position,
}
