use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    batch::{Changes, Divided, Foldable},
    ended,
    place::{Goal, Place},
    policy::Stop,
    recent::Recent,
};
use crate::{
    envelope::Position,
    store::{
        BoxFuture, Commit, CommitError, DeadLetter, Error, ProjectionId, Sequence, StoredDocument, ViewStore,
    },
};

/// A page of events that is folded into documents.
pub(super) struct Fold {
    pub(super) steps: Box<dyn Foldable>,
    pub(super) projection: ProjectionId,
    pub(super) views: Arc<dyn ViewStore>,
    /// The documents as they were before it.
    stored: Vec<StoredDocument>,
    /// What was parked before it.
    parked: HashSet<Sequence>,
    /// Documents that the store does not take, and why.
    refused: HashMap<String, String>,
}

impl Fold {
    pub(super) fn new(
        steps: Box<dyn Foldable>,
        projection: ProjectionId,
        views: Arc<dyn ViewStore>,
        stored: Vec<StoredDocument>,
        parked: HashSet<Sequence>,
    ) -> Self {
        Self { steps, projection, views, stored, parked, refused: HashMap::new() }
    }

    /// The same on what the store has now.
    pub(super) async fn again(self, keys: &[String], parked: HashSet<Sequence>) -> Result<Self, Error> {
        let stored =
            if keys.is_empty() { Vec::new() } else { self.views.load(&self.projection, keys).await? };
        Ok(Self { stored, parked, ..self })
    }

    pub(super) fn run(&self) -> Changes {
        self.steps.fold(&self.stored, &self.parked, &self.refused, Timestamp::now())
    }

    /// Begins to write what was folded, from where the projection now stands.
    ///
    /// # Errors
    ///
    /// Where events can't be folded in, and may not be parked.
    pub(super) fn send(self, changes: Changes, place: &mut Place, goal: Goal) -> Result<Sent, Stop> {
        let expected = place.position;
        let sent = self.send_from(expected, changes, place, goal)?;
        place.depart(goal);
        Ok(sent)
    }

    fn send_from(
        self,
        expected: Position,
        changes: Changes,
        place: &mut Place,
        goal: Goal,
    ) -> Result<Sent, Stop> {
        place.policy.judge(&changes.parked, &self.parked)?;
        let Changes { documents, parked } = changes;
        place.parked.clone_from(&self.parked);
        place.parked.extend(parked.iter().map(|letter| letter.sequence.clone()));
        let written = Recent::of(&documents);
        let commit =
            Commit { documents, parked: parked.clone(), ..Commit::of(expected, place.checkpoint(goal)) };
        let (views, projection) = (Arc::clone(&self.views), self.projection.clone());
        let writing = async move { views.commit(&projection, commit).await };
        // Nothing is folded meanwhile at the head, so that there is no need for a task.
        let writing = if goal.is_head() { Box::pin(writing) } else { meanwhile(writing) };
        Ok(Sent { fold: self, expected, goal, written, parked, writing })
    }
}

/// A batch on its way to the read store. The next one is folded meanwhile, on what this one writes.
pub(super) struct Sent {
    fold: Fold,
    expected: Position,
    goal: Goal,
    /// What the documents are like once it is there; `None` where that can't be told.
    written: Option<Vec<StoredDocument>>,
    parked: Vec<DeadLetter>,
    writing: Writing,
}

impl Sent {
    /// The documents that it writes.
    pub(super) fn written(&self) -> Option<&[StoredDocument]> {
        self.written.as_deref()
    }

    /// Waits until it is written. Where the store refuses one of its documents, the page is written in parts, until the event
    /// is found that makes it so, which is parked. Then what it was said to write is not what it has written, and the
    /// answer is `true`.
    pub(super) async fn settle(self, place: &mut Place) -> Result<bool, Stop> {
        let (mut sent, mut changed) = (self, false);
        let mut rest: Vec<(Box<dyn Foldable>, Goal)> = Vec::new();
        loop {
            let Err(error) = (&mut sent.writing).await else {
                let (fold, expected) = sent.arrive(place);
                let Some((steps, goal)) = rest.pop() else { return Ok(changed) };
                let keys = steps.keys();
                let part = Fold { steps, refused: HashMap::new(), ..fold };
                let part = part.again(&keys, place.parked.clone()).await?;
                let changes = part.run();
                sent = part.send_from(expected, changes, place, goal)?;
                continue;
            };
            changed = true;
            let Self { mut fold, expected, mut goal, .. } = sent;
            let Some((key, why)) = refusal(&error).filter(|(key, _)| !fold.refused.contains_key(key)) else {
                return Err(error.into());
            };
            match fold.steps.divide(&key) {
                Divided::Parts { first, last, second } => {
                    rest.push((second, goal));
                    fold.steps = first;
                    (goal.position, goal.last, goal.as_of) = (last.position, Some(last.event_id), last.time);
                }
                Divided::Whole(steps) => {
                    fold.steps = steps;
                    fold.refused.insert(key, why);
                }
            }
            let changes = fold.run();
            sent = fold.send_from(expected, changes, place, goal)?;
        }
    }

    /// It was written. What comes next is folded with the same, from this position on.
    fn arrive(self, place: &mut Place) -> (Fold, Position) {
        let Self { fold, goal, written, parked, .. } = self;
        match written {
            // Far behind, what is kept would be of no use before it is pushed out.
            Some(documents) if goal.is_head() => place.recent.keep(documents),
            _ => place.recent.forget(),
        }
        place.arrive(goal, parked);
        (fold, goal.position)
    }
}

type Writing = BoxFuture<'static, Result<(), CommitError>>;

/// Goes on whether somebody waits for it or not.
fn meanwhile(writing: impl Future<Output = Result<(), CommitError>> + Send + 'static) -> Writing {
    let writing = tokio::spawn(writing);
    Box::pin(async move { writing.await.unwrap_or_else(|error| Err(ended(error).into())) })
}

/// The document that the store does not take, and why.
pub(super) fn refusal(error: &CommitError) -> Option<(String, String)> {
    match error {
        CommitError::TooLarge { key, size, limit, .. } => {
            let why = format!("the document {key:?} has {size} bytes, but the read store takes {limit}");
            Some((key.clone(), why))
        }
        CommitError::Unfit { key, reason, .. } => {
            Some((key.clone(), format!("the read store can't hold the document {key:?}: {reason}")))
        }
        _ => None,
    }
}
