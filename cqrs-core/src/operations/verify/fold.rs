use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use super::{Verify, VerifyError};
use crate::{
    domain::{Fed, Feed, Feeds, IdError, Projection, State},
    envelope::{EventId, Position, RecordedEvent, StreamId},
    runtime::guarded,
    store::{EventFilter, EventStore, ProjectionId},
};

/// How many events are read at once.
const PAGE: usize = 1_000;

/// A document as events make it.
pub(super) struct Folded<P> {
    pub(super) state: State<P>,
    pub(super) created: Position,
    pub(super) applied: Position,
    /// What could not be folded in, and why: there is no state any more.
    pub(super) failed: Option<(Position, String)>,
}

impl<P: Projection> Folded<P> {
    const fn new() -> Self {
        Self { state: State::Absent, created: Position::ZERO, applied: Position::ZERO, failed: None }
    }

    fn fold(&mut self, fed: &dyn Fed<P>, event: &RecordedEvent) {
        if self.failed.is_some() {
            return;
        }
        let before = std::mem::replace(&mut self.state, State::Absent);
        let existed = matches!(before, State::Present(_));
        match guarded(|| fed.fold(before, &event.metadata)) {
            Ok(state) => {
                if !existed && matches!(state, State::Present(_)) {
                    self.created = event.position;
                }
                (self.state, self.applied) = (state, event.position);
            }
            Err(error) => self.failed = Some((event.position, error)),
        }
    }
}

/// Reads the log for one projection, and folds.
pub(super) struct Folder<'a, P> {
    pub(super) log: &'a dyn EventStore,
    pub(super) projection: ProjectionId,
    pub(super) feeds: Feeds<P>,
    /// The events of these streams are parked, from a position on.
    pub(super) parked: HashMap<StreamId, Position>,
    /// The id of the event at the position where it has arrived.
    pub(super) last: Option<EventId>,
}

/// The documents of one pass: those that come first after a place, in the order of [`Verify::place`].
pub(super) struct Pass<P> {
    pub(super) documents: HashMap<String, Folded<P>>,
    order: BTreeSet<(u64, String)>,
    from: u64,
    /// Where the next pass begins; `None` where none is needed.
    pub(super) next: Option<u64>,
}

impl<P: Projection> Pass<P> {
    pub(super) fn from(from: u64) -> Self {
        Self { documents: HashMap::new(), order: BTreeSet::new(), from, next: None }
    }

    /// Whether a document at this place belongs to the pass.
    pub(super) fn covers(&self, place: u64) -> bool {
        place >= self.from && self.next.is_none_or(|next| place < next)
    }

    /// The document, where it belongs to the pass. Where there is no more room, those that come last are left to the next
    /// pass, all of one place together.
    fn open(&mut self, key: String, verify: &Verify) -> Option<&mut Folded<P>> {
        let place = verify.place(&key);
        if !self.covers(place) {
            return None;
        }
        if !self.documents.contains_key(&key)
            && self.documents.len() >= verify.most.get()
            && let (Some(&(first, _)), Some(&(last, _))) = (self.order.first(), self.order.last())
        {
            let next = last.max(place);
            // One place alone gets the room that it needs.
            if first.min(place) < next {
                for (_, key) in self.order.split_off(&(next, String::new())) {
                    self.documents.remove(&key);
                }
                self.next = Some(next);
                if place >= next {
                    return None;
                }
            }
        }
        match self.documents.entry(key) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(new) => {
                self.order.insert((place, new.key().clone()));
                Some(new.insert(Folded::new()))
            }
        }
    }
}

impl<P: Projection> Folder<'_, P> {
    /// Folds the log up to a position into the documents of a pass.
    pub(super) async fn fold(
        &mut self,
        verify: &Verify,
        until: Position,
        pass: &mut Pass<P>,
    ) -> Result<(), VerifyError> {
        self.last = None;
        self.read(verify.from, until, |fed, event, key| {
            if let Some(document) = pass.open(key, verify) {
                document.fold(fed, event);
            }
        })
        .await
    }

    /// Folds on, each of these documents up to a position of its own.
    pub(super) async fn fold_on(
        &mut self,
        after: Position,
        documents: &mut HashMap<String, (Folded<P>, Position)>,
    ) -> Result<(), VerifyError> {
        let until = documents.values().map(|(_, until)| *until).max().unwrap_or(after);
        self.read(after, until, |fed, event, key| {
            if let Some((document, until)) = documents.get_mut(&key)
                && event.position <= *until
            {
                document.fold(fed, event);
            }
        })
        .await
    }

    async fn read(
        &mut self,
        after: Position,
        until: Position,
        mut fold: impl FnMut(&dyn Fed<P>, &RecordedEvent, String) + Send,
    ) -> Result<(), VerifyError> {
        let feeds: Vec<_> = self.feeds.iter().map(Feed::spec).collect();
        let filter = EventFilter::of_feeds(&feeds);
        let mut at = after;
        while at < until {
            let page = self.log.read_log(at, &filter, PAGE).await?;
            let goes_on = self.last.is_none() || page.before == self.last;
            if !goes_on || page.through <= at {
                return Err(VerifyError::Diverged { projection: self.projection.clone() });
            }
            for event in page.events.iter().filter(|event| event.position <= until) {
                self.route(event, &mut fold);
            }
            (at, self.last) = (page.through, page.last);
            // The log may answer at once, and folding takes its time.
            tokio::task::yield_now().await;
        }
        // It may have come further than it was to go: what comes next begins elsewhere.
        if at > until {
            self.last = None;
        }
        Ok(())
    }

    /// An event that can't be read is parked, or was skipped: in both cases no document has it.
    fn route(&self, event: &RecordedEvent, fold: &mut impl FnMut(&dyn Fed<P>, &RecordedEvent, String)) {
        let Some(feed) = self.feeds.of_event(event.stream.category(), &event.name) else { return };
        let is_parked = self.parked.get(&event.stream).is_some_and(|first| event.position >= *first);
        if feed.ignores(&event.name) || is_parked {
            return;
        }
        let Ok(fed) = guarded(|| feed.decode(&event.name, event.schema_version, &event.data)) else { return };
        let routed = guarded(|| {
            let mut keys = Vec::new();
            fed.route(event.stream.id(), &mut keys)?;
            Ok::<BTreeSet<String>, IdError>(keys.iter().map(ToString::to_string).collect())
        });
        for key in routed.unwrap_or_default() {
            fold(&*fed, event, key);
        }
    }
}
