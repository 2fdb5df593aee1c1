use std::{
    borrow::Cow,
    collections::HashSet,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    fold::panic_text,
    place::{Goal, Place},
    policy::Stop,
    retry::{Attempt, Attempted},
    with_causes,
    work::{Batch, Work},
};
use crate::{
    domain::{FeedSpec, OnError},
    envelope::{Position, RecordedEvent},
    store::{
        BatchError, BatchProjection, BoxFuture, Commit, DeadLetter, Error, ProjectionId, Reason, Sequence,
    },
};

/// A projection that writes by itself.
pub(super) struct OwnWriting(pub(super) Arc<dyn BatchProjection>);

impl Work for OwnWriting {
    fn feeds(&self) -> Vec<FeedSpec> {
        self.0.feeds()
    }

    fn on_error(&self) -> OnError {
        self.0.on_error()
    }

    fn fingerprint(&self) -> Option<u64> {
        None
    }

    fn prepare<'a>(&'a self, _: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        self.0.prepare()
    }

    fn writes_by_itself(&self) -> bool {
        true
    }

    /// Nobody but itself knows which of its rows an event concerns.
    fn partitions(&self) -> u16 {
        1
    }

    /// One event after the other, each with the letter that it resolves.
    fn retry<'a>(
        &'a self,
        attempt: Attempt<'a>,
        place: &'a mut Place,
    ) -> BoxFuture<'a, Result<Attempted, Stop>> {
        Box::pin(async move {
            let mut attempted = Attempted::default();
            for (at, event) in attempt.events.iter().enumerate() {
                let letters = &attempt.letters[at..=at];
                let alone = Attempt { letters, events: std::slice::from_ref(event), ..attempt };
                let done = Attempted { resolved: 1, failed: None };
                match apply(&*self.0, alone.events, alone.commit(place, &done)).await {
                    Ok(()) => attempted.resolved += 1,
                    Err(BatchError::Commit(error)) => return Err(error.into()),
                    Err(BatchError::Refused { source, .. }) => {
                        attempted.failed = Some((event.position, with_causes(&*source)));
                        break;
                    }
                }
            }
            attempted.failed = attempted.failed.or_else(|| attempt.missing());
            if attempted.failed.is_some() {
                let rest = Attempt { letters: &attempt.letters[attempted.resolved..], ..attempt };
                let failed = Attempted { resolved: 0, failed: attempted.failed.clone() };
                self.0.views().commit(&self.0.id(), rest.commit(place, &failed)).await?;
            }
            Ok(attempted)
        })
    }

    fn take_in(&self, events: Vec<RecordedEvent>) -> Box<dyn Batch> {
        Box::new(Taken { projection: Arc::clone(&self.0), events })
    }
}

struct Taken {
    projection: Arc<dyn BatchProjection>,
    events: Vec<RecordedEvent>,
}

impl Batch for Taken {
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            let Self { projection, events } = *self;
            let mut waiting = vec![Section { events, goal }];
            while let Some(part) = waiting.pop() {
                if let Some(refusal) = part.write(&*projection, place).await? {
                    waiting.extend(part.divide(&refusal).into_iter().rev());
                }
            }
            Ok(())
        })
    }

    /// It is never divided.
    fn write_among(self: Box<Self>, places: &mut [Place], goal: Goal) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            match places {
                [whole] => self.write(whole, goal).await,
                _ => Err(Stop::Halt("a projection that writes by itself can't be divided".to_owned())),
            }
        })
    }
}

/// Events that are written in one commit.
struct Section {
    events: Vec<RecordedEvent>,
    goal: Goal,
}

/// Several events were refused together.
struct Refusal {
    /// The one that is at fault, where that is known.
    at: Option<Position>,
}

impl Section {
    /// Writes the events of streams that are not parked, and parks the others behind what is.
    ///
    /// An event that is refused alone is parked. Where several are refused together, nothing is written.
    async fn write(
        &self,
        projection: &dyn BatchProjection,
        place: &mut Place,
    ) -> Result<Option<Refusal>, Stop> {
        let (free, mut parked) = self.sort(&place.parked);
        if !free.is_empty() {
            let commit = place.commit(self.goal, Vec::new(), parked.clone());
            let started = Instant::now();
            let applied = apply(projection, &free, commit).await;
            place.meter().handled(started.elapsed());
            match applied {
                Ok(()) => {
                    place.arrive(self.goal, parked);
                    return Ok(None);
                }
                Err(BatchError::Commit(error)) => return Err(error.into()),
                Err(BatchError::Refused { at, source }) => match &*free {
                    [event] => {
                        parked.push(letter(event, Reason::Failed(with_causes(&*source))));
                        parked.sort_by_key(|letter| letter.position);
                    }
                    _ => return Ok(Some(Refusal { at })),
                },
            }
        }
        place.policy.judge(&parked, &place.parked)?;
        let commit = place.commit(self.goal, Vec::new(), parked.clone());
        projection.views().commit(&projection.id(), commit).await?;
        place.arrive(self.goal, parked);
        Ok(None)
    }

    /// The events that may be applied, and letters for those that queue behind one that is parked.
    fn sort(&self, parked: &HashSet<Sequence>) -> (Cow<'_, [RecordedEvent]>, Vec<DeadLetter>) {
        let queues = |event: &RecordedEvent| parked.contains(&Sequence::Stream(event.stream.clone()));
        if parked.is_empty() || !self.events.iter().any(queues) {
            return (Cow::Borrowed(&self.events), Vec::new());
        }
        let (queued, free): (Vec<_>, Vec<_>) = self.events.iter().cloned().partition(queues);
        (Cow::Owned(free), queued.iter().map(|event| letter(event, Reason::Queued)).collect())
    }

    /// The parts in which the events are tried next: the one at fault alone, or else two halves.
    fn divide(self, refusal: &Refusal) -> Vec<Self> {
        let Self { mut events, goal } = self;
        let found = refusal.at.and_then(|at| events.iter().position(|event| event.position == at));
        let cuts = found.map_or([events.len() / 2; 2], |index| [index, index + 1]);
        let after = events.split_off(cuts[1]);
        let among = events.split_off(cuts[0]);
        let mut parts: Vec<Self> = [events, among, after]
            .into_iter()
            .filter_map(|events| {
                let last = events.last()?;
                let goal = Goal {
                    position: last.position,
                    last: Some(last.event_id),
                    head: goal.head,
                    as_of: last.metadata.time,
                };
                Some(Self { events, goal })
            })
            .collect();
        if let Some(last) = parts.last_mut() {
            last.goal = goal;
        }
        parts
    }
}

fn letter(event: &RecordedEvent, reason: Reason) -> DeadLetter {
    DeadLetter::of(event, Sequence::Stream(event.stream.clone()), reason, Timestamp::now())
}

/// Applies a batch; a panic is the projection's own fault, as its errors are.
async fn apply(
    projection: &dyn BatchProjection,
    events: &[RecordedEvent],
    commit: Commit,
) -> Result<(), BatchError> {
    let mut applying = Box::pin(async move { projection.apply(events, commit).await });
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| applying.as_mut().poll(context))).unwrap_or_else(|panic| {
            let source = format!("it panicked: {}", panic_text(&*panic)).into();
            Poll::Ready(Err(BatchError::Refused { at: None, source }))
        })
    })
    .await
}
