use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    batch::{Changes, Divided, Foldable},
    ended,
    fold::panic_text,
    place::{Goal, Place},
    policy::Stop,
    recent::Recent,
};
use crate::{
    envelope::Position,
    metrics::ProjectionMeter,
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
    meter: Arc<ProjectionMeter>,
}

impl Fold {
    pub(super) fn new(
        steps: Box<dyn Foldable>,
        views: Arc<dyn ViewStore>,
        stored: Vec<StoredDocument>,
        place: &Place,
    ) -> Self {
        let projection = place.projection.clone();
        let (parked, meter) = (place.parked.clone(), Arc::clone(place.meter()));
        Self { steps, projection, views, stored, parked, refused: HashMap::new(), meter }
    }

    /// Goes by what the store has now.
    pub(super) async fn again(&mut self, keys: &[String], parked: HashSet<Sequence>) -> Result<(), Error> {
        self.stored =
            if keys.is_empty() { Vec::new() } else { self.views.load(&self.projection, keys).await? };
        self.parked = parked;
        Ok(())
    }

    pub(super) fn run(&self) -> Changes {
        let started = Instant::now();
        let changes = self.steps.fold(&self.stored, &self.parked, &self.refused, Timestamp::now());
        self.meter.handled(started.elapsed());
        changes
    }

    /// What is to be written, from where the projection stands; it stands at the goal from then on.
    ///
    /// # Errors
    ///
    /// Where events can't be folded in, and may not be parked.
    pub(super) fn pack(self, changes: Changes, place: &mut Place, goal: Goal) -> Result<Packed, Stop> {
        let packed = self.pack_from(place.position, changes, place, goal)?;
        place.depart(goal);
        Ok(packed)
    }

    fn pack_from(
        self,
        expected: Position,
        changes: Changes,
        place: &mut Place,
        goal: Goal,
    ) -> Result<Packed, Stop> {
        place.policy.judge(&changes.parked, &self.parked)?;
        let Changes { documents, parked } = changes;
        place.parked.clone_from(&self.parked);
        place.parked.extend(parked.iter().map(|letter| letter.sequence.clone()));
        let written = Recent::of(&documents);
        let commit =
            Commit { documents, parked: parked.clone(), ..Commit::of(expected, place.checkpoint(goal)) };
        Ok(Packed { fold: self, expected, goal, written, parked, commit })
    }
}

/// A batch that is ready to be sent.
pub(super) struct Packed {
    fold: Fold,
    expected: Position,
    goal: Goal,
    written: Vec<StoredDocument>,
    parked: Vec<DeadLetter>,
    commit: Commit,
}

impl Packed {
    /// Begins to write it.
    pub(super) fn send(self) -> Sent {
        let Self { fold, expected, goal, written, parked, commit } = self;
        let (views, projection) = (Arc::clone(&fold.views), fold.projection.clone());
        let writing = async move { views.commit(&projection, commit).await };
        // Nothing is folded meanwhile at the head, so that there is no need for a task.
        let writing = if goal.is_head() { Box::pin(writing) } else { meanwhile(writing) };
        Sent { fold, expected, goal, written, parked, writing }
    }
}

/// Begins to write batches of several partitions, in one round trip where the store can.
pub(super) fn send_together(views: &Arc<dyn ViewStore>, packed: Vec<Packed>) -> Vec<Sent> {
    if packed.len() < 2 {
        return packed.into_iter().map(Packed::send).collect();
    }
    let mut batches = Vec::with_capacity(packed.len());
    let mut tell = Vec::with_capacity(packed.len());
    let sent = packed.into_iter().map(|packed| {
        let Packed { fold, expected, goal, written, parked, commit } = packed;
        batches.push((fold.projection.clone(), commit));
        let (teller, told) = oneshot::channel();
        tell.push(teller);
        let writing: Writing = Box::pin(async move {
            told.await.unwrap_or_else(|_| {
                Err(Error::invalid("the read store gives fewer answers than it was asked for").into())
            })
        });
        Sent { fold, expected, goal, written, parked, writing }
    });
    let sent = sent.collect();
    let views = Arc::clone(views);
    let writing = tokio::spawn(async move { views.commit_all(batches).await });
    tokio::spawn(async move {
        let answers = match writing.await {
            Ok(answers) => answers,
            Err(error) => {
                let error = match error.try_into_panic() {
                    Ok(panic) => Error::invalid(format!(
                        "the read store panicked as it wrote: {}",
                        panic_text(&*panic)
                    )),
                    Err(_) => Error::Closed,
                };
                tell.iter().map(|_| Err(error.clone().into())).collect()
            }
        };
        for (tell, answer) in tell.into_iter().zip(answers) {
            // Nobody may wait for it any more.
            let _: Result<(), _> = tell.send(answer);
        }
    });
    sent
}

/// A batch on its way to the read store. The next one is folded meanwhile, on what this one writes.
pub(super) struct Sent {
    fold: Fold,
    expected: Position,
    goal: Goal,
    /// What the documents are like once it is there.
    written: Vec<StoredDocument>,
    parked: Vec<DeadLetter>,
    writing: Writing,
}

impl Sent {
    /// The documents that it writes.
    pub(super) fn written(&self) -> &[StoredDocument] {
        &self.written
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
                let mut part = Fold { steps, refused: HashMap::new(), ..fold };
                part.again(&keys, place.parked.clone()).await?;
                let changes = part.run();
                sent = part.pack_from(expected, changes, place, goal)?.send();
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
            sent = fold.pack_from(expected, changes, place, goal)?.send();
        }
    }

    /// It was written. What comes next is folded with the same, from this position on.
    fn arrive(self, place: &mut Place) -> (Fold, Position) {
        let Self { fold, goal, written, parked, .. } = self;
        place.keep(written);
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
