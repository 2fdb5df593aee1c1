use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use jiff::Timestamp;
use smallvec::SmallVec;

use super::fold::{Document, guarded};
use crate::{
    domain::{Fed, Feed, Feeds, IdError, Projection},
    envelope::{EventId, Position, RecordedEvent},
    store::{DataFormat, DeadLetter, DocumentWrite, Partition, Reason, Sequence, StoredDocument},
};

/// A page of the log, decoded and routed to the documents of a projection.
pub(super) trait Foldable: Send + Sync {
    /// The keys of all documents that the events touch.
    fn keys(&self) -> Vec<String>;

    /// Divides the events so that those of one document are in both parts.
    fn divide(self: Box<Self>, key: &str) -> Divided;

    /// The events of each of these partitions of one division, each after the position that it is at; `None` where there are
    /// none.
    fn among(self: Box<Self>, places: &[(Partition, Position)]) -> Vec<Option<Box<dyn Foldable>>>;

    /// The events of one partition.
    fn within(self: Box<Self>, partition: Partition) -> Box<dyn Foldable>;

    /// Folds the events into the documents as they are stored.
    ///
    /// `parked` are the sequences that are parked already; `refused` the documents that the store does not take,
    /// and why: their events are parked.
    fn fold(
        &self,
        stored: &[StoredDocument],
        parked: &HashSet<Sequence>,
        refused: &HashMap<String, String>,
        now: Timestamp,
    ) -> Changes;

    /// Folds events of one parked sequence in, up to the first that fails.
    ///
    /// `parked` are the other sequences that are parked.
    fn refold(
        &self,
        sequence: &Sequence,
        stored: &[StoredDocument],
        parked: &HashSet<Sequence>,
        now: Timestamp,
    ) -> Refolded;
}

/// What trying parked events again changes.
#[derive(Debug, Default)]
pub(super) struct Refolded {
    pub(super) changes: Changes,
    /// The first event that fails, and why.
    pub(super) failed: Option<(Position, String)>,
}

/// A page, in parts.
pub(super) enum Divided {
    Parts {
        first: Box<dyn Foldable>,
        last: Last,
        second: Box<dyn Foldable>,
    },
    /// It has no two events of the document.
    Whole(Box<dyn Foldable>),
}

/// The last event of a part.
pub(super) struct Last {
    pub(super) position: Position,
    pub(super) event_id: EventId,
    pub(super) time: Timestamp,
}

/// A page of the log for the documents of `P`.
pub(super) struct Steps<P> {
    /// All of the page; its parts share them.
    events: Arc<Vec<RecordedEvent>>,
    /// In the order of the events.
    asked: Vec<Step<P>>,
    format: DataFormat,
}

/// What one event asks for.
struct Step<P> {
    /// Where the event is among those of the page.
    at: usize,
    what: What<P>,
}

/// Of the documents that an event goes to: mostly one.
type Keys = SmallVec<[String; 1]>;

enum What<P> {
    Fold {
        fed: Arc<dyn Fed<P>>,
        keys: Keys,
    },
    /// The event can't be read, or not be routed.
    Park {
        sequence: Sequence,
        error: String,
    },
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) documents: Vec<DocumentWrite>,
    pub(super) parked: Vec<DeadLetter>,
}

impl<P: Projection> Steps<P> {
    pub(super) fn of(feeds: &Feeds<P>, events: Vec<RecordedEvent>, format: DataFormat) -> Self {
        let mut keys = Vec::new();
        let asked = events
            .iter()
            .enumerate()
            .filter_map(|(at, event)| {
                let feed = feeds.of_event(event.stream.category(), &event.name)?;
                (!feed.ignores(&event.name)).then(|| Step { at, what: route(feed, event, &mut keys) })
            })
            .collect();
        Self { events: Arc::new(events), asked, format }
    }

    /// Others of the same page.
    fn part(&self, asked: Vec<Step<P>>) -> Self {
        Self { events: Arc::clone(&self.events), asked, format: self.format }
    }

    fn event(&self, step: &Step<P>) -> &RecordedEvent {
        &self.events[step.at]
    }
}

impl<P: Projection> Foldable for Steps<P> {
    fn keys(&self) -> Vec<String> {
        let mut seen: HashSet<&str, RandomState> = HashSet::default();
        let keys = self.asked.iter().flat_map(|step| match &step.what {
            What::Fold { keys, .. } => keys.as_slice(),
            What::Park { .. } => &[],
        });
        keys.filter(|key| seen.insert(key.as_str())).cloned().collect()
    }

    fn divide(mut self: Box<Self>, key: &str) -> Divided {
        let is_of = |step: &Step<P>| match &step.what {
            What::Fold { keys, .. } => keys.iter().any(|of| of == key),
            What::Park { .. } => false,
        };
        let of_key: Vec<usize> =
            self.asked.iter().enumerate().filter(|(_, step)| is_of(step)).map(|(at, _)| at).collect();
        // The one in the middle begins the second part, so that it is not the first of all.
        let Some(at) = of_key.get(of_key.len() / 2).copied().filter(|_| of_key.len() > 1) else {
            return Divided::Whole(self);
        };
        let second = self.asked.split_off(at);
        let second = Box::new(self.part(second));
        let Some(event) = self.asked.last().map(|step| self.event(step)) else {
            return Divided::Whole(second);
        };
        let last = Last { position: event.position, event_id: event.event_id, time: event.metadata.time };
        Divided::Parts { first: self, last, second }
    }

    fn among(mut self: Box<Self>, places: &[(Partition, Position)]) -> Vec<Option<Box<dyn Foldable>>> {
        let Some((first, _)) = places.first() else { return Vec::new() };
        let of = first.of();
        // Of each partition of the division, by its index.
        let mut nth = vec![None; usize::from(of)];
        for (at, (partition, _)) in places.iter().enumerate() {
            nth[usize::from(partition.index())] = Some(at);
        }
        let mut parts: Vec<Vec<Step<P>>> = places.iter().map(|_| Vec::new()).collect();
        for Step { at, what } in std::mem::take(&mut self.asked) {
            let position = self.events[at].position;
            let mut add = |nth: usize, what: What<P>| {
                if position > places[nth].1 {
                    parts[nth].push(Step { at, what });
                }
            };
            let partition = |key: &str| nth[usize::from(Partition::of_key(key).among(of).index())];
            match what {
                What::Fold { fed, keys } if keys.len() == 1 => {
                    if let Some(nth) = partition(&keys[0]) {
                        add(nth, What::Fold { fed, keys });
                    }
                }
                What::Fold { fed, keys } => {
                    let mut shares: Vec<(usize, Keys)> = Vec::new();
                    for key in keys {
                        let Some(nth) = partition(&key) else { continue };
                        match shares.iter_mut().find(|(of, _)| *of == nth) {
                            Some((_, keys)) => keys.push(key),
                            None => shares.push((nth, Keys::from_iter([key]))),
                        }
                    }
                    for (nth, keys) in shares {
                        add(nth, What::Fold { fed: Arc::clone(&fed), keys });
                    }
                }
                What::Park { sequence: Sequence::Document(key), error } => {
                    if let Some(nth) = partition(&key) {
                        add(nth, What::Park { sequence: Sequence::Document(key), error });
                    }
                }
                // Which documents it belongs to is not known, so that each partition has to wait for it.
                What::Park { sequence, error } => {
                    for nth in 0..places.len() {
                        add(nth, What::Park { sequence: sequence.clone(), error: error.clone() });
                    }
                }
            }
        }
        let part = |steps: Vec<Step<P>>| -> Option<Box<dyn Foldable>> {
            if steps.is_empty() { None } else { Some(Box::new(self.part(steps))) }
        };
        parts.into_iter().map(part).collect()
    }

    fn within(self: Box<Self>, partition: Partition) -> Box<dyn Foldable> {
        if partition.is_whole() {
            return self;
        }
        let none = self.part(Vec::new());
        let own = self.among(&[(partition, Position::ZERO)]).pop().flatten();
        own.unwrap_or_else(|| Box::new(none))
    }

    fn fold(
        &self,
        stored: &[StoredDocument],
        parked: &HashSet<Sequence>,
        refused: &HashMap<String, String>,
        now: Timestamp,
    ) -> Changes {
        let mut refused = refused.clone();
        loop {
            let folding = Folding {
                stored: stored.iter().map(|document| (document.key.as_str(), document)).collect(),
                documents: HashMap::default(),
                order: Vec::new(),
                parked: parked.clone(),
                refused: &refused,
                format: self.format,
                letters: Vec::new(),
                now,
            };
            match folding.run(self) {
                Ok(changes) => return changes,
                // A document that can't be serialised parks its events; the others are folded again without it.
                Err(unfit) => refused.extend(unfit),
            }
        }
    }

    fn refold(
        &self,
        sequence: &Sequence,
        stored: &[StoredDocument],
        parked: &HashSet<Sequence>,
        now: Timestamp,
    ) -> Refolded {
        let mut found: Option<(Position, String)> = None;
        loop {
            let until = found.as_ref().map(|(position, _)| *position);
            match self.try_refold(sequence, stored, parked, now, until) {
                Ok(refolded) => return Refolded { failed: refolded.failed.or(found), ..refolded },
                // With this event, a document can't be serialised.
                Err(unfit) => found = Some(unfit),
            }
        }
    }
}

impl<P: Projection> Steps<P> {
    fn try_refold(
        &self,
        sequence: &Sequence,
        stored: &[StoredDocument],
        parked: &HashSet<Sequence>,
        now: Timestamp,
        until: Option<Position>,
    ) -> Result<Refolded, (Position, String)> {
        let refused = HashMap::new();
        let mut folding = Folding {
            stored: stored.iter().map(|document| (document.key.as_str(), document)).collect(),
            documents: HashMap::default(),
            order: Vec::new(),
            parked: parked.clone(),
            refused: &refused,
            format: self.format,
            letters: Vec::new(),
            now,
        };
        let own: HashSet<Position> = self.asked.iter().map(|step| self.event(step).position).collect();
        let (mut failed, mut last) = (None, None);
        for step in &self.asked {
            let event = self.event(step);
            if until.is_some_and(|until| event.position >= until) {
                break;
            }
            if let Err(error) = folding.refold(event, &step.what, sequence, &own) {
                failed = Some((event.position, error));
                break;
            }
            last = Some(event.position);
        }
        match (folding.finish(), last) {
            (Ok(changes), _) => Ok(Refolded { changes, failed }),
            (Err(unfit), Some(last)) => Err((last, unfit.into_values().next().unwrap_or_default())),
            (Err(_), None) => Ok(Refolded { changes: Changes::default(), failed }),
        }
    }
}

fn route<P: Projection>(feed: &Feed<P>, event: &RecordedEvent, keys: &mut Vec<P::Key>) -> What<P> {
    let decoded = guarded(|| feed.decode(&event.name, event.schema_version, &event.data));
    let fed = match decoded {
        Ok(fed) => fed,
        Err(error) => return What::Park { sequence: sequence_of_unread(feed, event), error },
    };
    let routed = guarded(|| {
        keys.clear();
        fed.route(event.stream.id(), keys)?;
        let mut texts = Keys::with_capacity(keys.len());
        for key in &*keys {
            let text = key.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Ok::<_, IdError>(texts)
    });
    match routed {
        Ok(keys) => What::Fold { fed, keys },
        Err(error) => What::Park { sequence: Sequence::Stream(event.stream.clone()), error },
    }
}

/// An event that can't be read names no document; where documents go by stream, it is known all the same.
fn sequence_of_unread<P: Projection>(feed: &Feed<P>, event: &RecordedEvent) -> Sequence {
    match guarded(|| event.stream.id().parse::<P::Key>().map(|key| key.to_string())) {
        Ok(key) if feed.by_stream => Sequence::Document(key),
        _ => Sequence::Stream(event.stream.clone()),
    }
}

/// One pass over a batch.
struct Folding<'e, P> {
    stored: HashMap<&'e str, &'e StoredDocument, RandomState>,
    documents: HashMap<&'e str, Document<'e, P>, RandomState>,
    order: Vec<&'e str>,
    parked: HashSet<Sequence>,
    refused: &'e HashMap<String, String>,
    format: DataFormat,
    letters: Vec<DeadLetter>,
    now: Timestamp,
}

impl<'e, P: Projection> Folding<'e, P> {
    fn run(mut self, steps: &'e Steps<P>) -> Result<Changes, HashMap<String, String>> {
        for step in &steps.asked {
            let event = steps.event(step);
            if !self.parked.is_empty() {
                let stream = Sequence::Stream(event.stream.clone());
                if self.parked.contains(&stream) {
                    self.park(event, stream, Reason::Queued);
                    continue;
                }
            }
            match &step.what {
                What::Park { sequence, error } => self.fail(event, sequence.clone(), error.clone()),
                What::Fold { fed, keys } => {
                    for key in keys {
                        self.fold(event, &**fed, key);
                    }
                }
            }
        }
        self.finish()
    }

    fn fold(&mut self, event: &'e RecordedEvent, fed: &'e dyn Fed<P>, key: &'e str) {
        let sequence = || Sequence::Document(key.to_owned());
        if !self.parked.is_empty() && self.parked.contains(&sequence()) {
            return self.park(event, sequence(), Reason::Queued);
        }
        if let Some(error) = self.refused.get(key) {
            return self.fail(event, sequence(), error.clone());
        }
        let folded = self.open(key).and_then(|document| document.fold(fed, event));
        if let Err(error) = folded {
            self.fail(event, sequence(), error);
        }
    }

    /// Folds a parked event into the documents of its sequence.
    fn refold(
        &mut self,
        event: &'e RecordedEvent,
        what: &'e What<P>,
        sequence: &Sequence,
        own: &HashSet<Position>,
    ) -> Result<(), String> {
        let (fed, keys) = match what {
            What::Park { error, .. } => return Err(error.clone()),
            What::Fold { fed, keys } => (&**fed, keys),
        };
        let of_stream = match sequence {
            Sequence::Document(key) => {
                let Some(key) = keys.iter().find(|of| *of == key) else { return Ok(()) };
                return self.open(key)?.fold(fed, event);
            }
            Sequence::Stream(_) => keys,
        };
        // Which documents it belongs to was not known, so they may have gone on without it.
        for key in of_stream {
            let applied = self.open(key)?.applied();
            if applied > event.position && !own.contains(&applied) {
                return Err(format!(
                    "the document {key:?} has applied later events of other streams, up to position {applied}, so that this \
                     one can't be folded in any more: build the projection anew"
                ));
            }
        }
        for key in of_stream {
            self.fold(event, fed, key);
        }
        Ok(())
    }

    /// The document, as it is in this batch.
    fn open(&mut self, key: &'e str) -> Result<&mut Document<'e, P>, String> {
        match self.documents.entry(key) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                let document = Document::open(self.stored.get(key).copied())?;
                self.order.push(key);
                Ok(place.insert(document))
            }
        }
    }

    /// Parks an event that failed; behind one that failed before, it only queues.
    fn fail(&mut self, event: &RecordedEvent, sequence: Sequence, error: String) {
        let first = self.parked.insert(sequence.clone());
        self.park(event, sequence, if first { Reason::Failed(error) } else { Reason::Queued });
    }

    fn park(&mut self, event: &RecordedEvent, sequence: Sequence, reason: Reason) {
        self.letters.push(DeadLetter::of(event, sequence, reason, self.now));
    }

    fn finish(mut self) -> Result<Changes, HashMap<String, String>> {
        let mut writes = Vec::with_capacity(self.order.len());
        let mut unfit = HashMap::new();
        for key in self.order {
            let document = self.documents.remove(key).expect("each key is in the order once");
            match document.into_write(key, self.format) {
                Ok(write) => writes.extend(write),
                Err(error) => {
                    unfit.insert(key.to_owned(), error);
                }
            }
        }
        if unfit.is_empty() { Ok(Changes { documents: writes, parked: self.letters }) } else { Err(unfit) }
    }
}
