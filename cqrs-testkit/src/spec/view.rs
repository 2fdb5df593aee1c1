use std::{collections::BTreeMap, fmt};

use cqrs_core::{
    domain::{Event, Feeds, IntoEvents, Projection, State},
    envelope::{Json, Metadata},
};

use super::{
    circumstances::{anybody, circumstances},
    diff::{causes, diff, short_name},
    recording::{Recorded, collect, record, recorded},
};

/// A test of a projection: given events of one stream or several, then these are its documents.
///
/// ```
/// use cqrs_core::prelude::*;
/// use cqrs_testkit::ViewSpec;
/// #
/// # #[derive(Id)]
/// # struct CounterId(String);
/// #
/// # #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// # struct Increased { by: u32 }
/// #
/// # #[derive(Debug, PartialEq, Event)]
/// # #[event(stream = "counter", id = CounterId)]
/// # enum CounterEvent { Increased(Increased) }
/// #
/// # #[derive(Projection, Debug, Default, PartialEq, Serialize, Deserialize)]
/// # #[projection(events(CounterEvent), default)]
/// # struct Total { value: u32 }
/// #
/// # #[handlers]
/// # impl Total {
/// #     #[event_handler]
/// #     fn on_increased(&mut self, event: &Increased) { self.value += event.by; }
/// # }
///
/// let (visits, clicks) = (CounterId::new("visits")?, CounterId::new("clicks")?);
/// ViewSpec::<Total>::given(&visits, [Increased { by: 3 }, Increased { by: 4 }])
///     .and_given(&clicks, Increased { by: 1 })
///     .then(&visits, Total { value: 7 })
///     .then(&clicks, Total { value: 1 })
///     .then_none(&CounterId::new("errors")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// All events and documents are taken through the form in which stores keep them, so that what can't be read back is
/// noticed.
pub struct ViewSpec<P: Projection> {
    feeds: Feeds<P>,
    documents: BTreeMap<P::Key, State<P>>,
    metadata: Metadata,
}

impl<P: Projection> ViewSpec<P> {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self { feeds: Feeds::of(), documents: BTreeMap::new(), metadata: anybody() }
    }

    /// These events have happened, in the stream with this id: one, an `Option`, `Vec`, array or tuple of them.
    ///
    /// # Panics
    ///
    /// Where the projection is fed by an event, but its handlers don't take it, so that it would be parked.
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn given<E: Event>(stream: &E::Id, events: impl IntoEvents<E>) -> Self {
        Self::new().and_given(stream, events)
    }

    /// As [`and_given_recorded`](Self::and_given_recorded), and nothing before.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn given_recorded<E: Event>(stream: &E::Id, name: &str, schema_version: u32, json: &str) -> Self {
        Self::new().and_given_recorded::<E>(stream, name, schema_version, json)
    }

    /// And then these have happened, in the same stream or another one, of the same kind or another one.
    ///
    /// # Panics
    ///
    /// As [`given`](Self::given).
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn and_given<E: Event>(mut self, stream: &E::Id, events: impl IntoEvents<E>) -> Self {
        let stream = stream.to_string();
        for event in collect(events) {
            self.feed(E::STREAM, &stream, &record(&event));
        }
        self
    }

    /// And then this event of the set `E` has happened, in the stream with this id, recorded under this name, in this
    /// schema version, with this data: for events that older code has written, and that are upcast when they are read.
    ///
    /// # Panics
    ///
    /// Where the event can't be read, and as [`given`](Self::given).
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn and_given_recorded<E: Event>(
        mut self,
        stream: &E::Id,
        name: &str,
        schema_version: u32,
        json: &str,
    ) -> Self {
        // Read as one of its set first: a projection may not be fed by this name, and would pass over a mistyped one.
        let (event, _) = recorded::<E>(name, schema_version, json);
        self.feed(E::STREAM, &stream.to_string(), &event);
        self
    }

    circumstances!();

    /// Under this key is just this document.
    ///
    /// # Panics
    ///
    /// Where there is another one, or none.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "expectations are written where they are compared")]
    #[allow(clippy::return_self_not_must_use, reason = "a test may end here")]
    pub fn then(self, key: &P::Key, expected: P) -> Self
    where
        P: fmt::Debug + PartialEq,
    {
        match self.documents.get(key) {
            Some(State::Present(actual)) => assert!(
                *actual == expected,
                "`{}` has another document under `{key}` {}",
                short_name::<P>(),
                diff(&expected, actual)
            ),
            Some(State::Removed) => panic!("the document `{key}` of `{}` was removed", short_name::<P>()),
            Some(State::Absent) | None => {
                let keys: Vec<String> = self.documents.keys().map(ToString::to_string).collect();
                panic!("`{}` has no document under `{key}`, only under {keys:?}", short_name::<P>());
            }
        }
        self
    }

    /// Under this key is no document: none was created, or it was removed.
    ///
    /// # Panics
    ///
    /// Where there is one.
    #[track_caller]
    #[allow(clippy::return_self_not_must_use, reason = "a test may end here")]
    pub fn then_none(self, key: &P::Key) -> Self
    where
        P: fmt::Debug,
    {
        if let Some(State::Present(document)) = self.documents.get(key) {
            panic!("`{}` was to have no document under `{key}`, but has {document:#?}", short_name::<P>());
        }
        self
    }

    #[track_caller]
    fn feed(&mut self, category: &str, stream: &str, event: &Recorded<'_>) {
        let name = event.name;
        let Some(feed) = self.feeds.of_event(category, name).filter(|feed| !feed.ignores(name)) else {
            return;
        };
        let fed = match feed.decode(name, event.version, &event.data) {
            Ok(fed) => fed,
            Err(error) => panic!("`{}` can't read an event: {}", short_name::<P>(), causes(&error)),
        };
        let mut keys = Vec::new();
        if let Err(error) = fed.route(stream, &mut keys) {
            panic!("`{}` finds no document for the event `{name}`: {}", short_name::<P>(), causes(&error));
        }
        let mut done: Vec<P::Key> = Vec::new();
        for key in keys {
            if done.contains(&key) {
                continue;
            }
            let state = self.documents.remove(&key).unwrap_or(State::Absent);
            match fed.fold(state, &self.metadata.for_events()) {
                Ok(state) => self.documents.insert(key.clone(), stored(&key, state)),
                Err(error) => panic!(
                    "`{}` can't take the event `{name}` into its document `{key}`: {}",
                    short_name::<P>(),
                    causes(&error)
                ),
            };
            done.push(key);
        }
    }
}

/// Takes a document through the form in which a store keeps it.
#[track_caller]
fn stored<P: Projection>(key: &P::Key, state: State<P>) -> State<P> {
    let State::Present(document) = state else { return state };
    let stored = document.index_values().and_then(|_| Json::of(&document)).and_then(|data| data.parse());
    match stored {
        Ok(document) => State::Present(document),
        Err(error) => {
            panic!("the document `{key}` of `{}` can't be stored and read back: {error}", short_name::<P>())
        }
    }
}

impl<P: Projection> Default for ViewSpec<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Projection> fmt::Debug for ViewSpec<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewSpec").field("projection", &short_name::<P>()).finish_non_exhaustive()
    }
}
