use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use foldhash::fast::RandomState;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    policy::{Policy, Stop},
    recent::Recent,
    sent::Sent,
    status::Status,
    written::Written,
};
use crate::{
    envelope::{EventId, LogId, Position},
    metrics::ProjectionMeter,
    store::{
        Checkpoint, Commit, DeadLetter, DocumentWrite, ProjectionId, Reason, Sequence, Standing,
        StoredDocument,
    },
};

/// Where a projection stands, once what was sent is written.
pub(super) struct Place {
    log: LogId,
    pub(super) projection: ProjectionId,
    status: Arc<Status>,
    pub(super) position: Position,
    /// The id of the event at that position.
    pub(super) last: Option<EventId>,
    /// The head of the log, as it was last seen.
    head: Position,
    pub(super) as_of: Timestamp,
    pub(super) standing: Standing,
    /// Into how many partitions the build is divided.
    pub(super) partitions: u16,
    /// Of the lease under which all of it is written.
    fence: u64,
    pub(super) parked: HashSet<Sequence>,
    pub(super) policy: Policy,
    recent: Recent,
    /// Where it was followed from the first event on.
    known: Option<Written>,
    /// What is on its way to the read store.
    pub(super) sent: Option<Sent>,
    /// When the read store last heard of the projection; `None`: never.
    pub(super) written: Option<Instant>,
}

/// The place that a commit leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    pub(super) position: Position,
    /// The id of the event at that position.
    pub(super) last: Option<EventId>,
    /// The head of the log, as it was last seen.
    pub(super) head: Position,
    pub(super) as_of: Timestamp,
}

impl Goal {
    /// Nothing was known to come after it.
    pub(super) fn is_head(&self) -> bool {
        self.position >= self.head
    }
}

impl Place {
    /// Before the first event.
    pub(super) fn start(
        log: LogId,
        projection: ProjectionId,
        fence: u64,
        policy: Policy,
        status: Arc<Status>,
    ) -> Self {
        let partitions = projection.partition.of();
        Self {
            log,
            projection,
            status,
            position: Position::ZERO,
            last: None,
            head: Position::ZERO,
            as_of: Timestamp::UNIX_EPOCH,
            standing: Standing::Live,
            partitions: 1,
            fence,
            parked: HashSet::new(),
            policy,
            recent: Recent::new(partitions),
            known: None,
            sent: None,
            written: None,
        }
    }

    /// Takes the place that the store knows, under the lease of this one; before the first event, where there is none.
    pub(super) fn claim(&mut self, stored: Option<Checkpoint>) -> Checkpoint {
        let is_at_the_beginning = stored.is_none_or(|stored| stored.position == Position::ZERO);
        self.known = is_at_the_beginning.then(|| Written::nothing(self.projection.partition.of()));
        let Some(stored) = stored else { return self.here() };
        (self.position, self.last, self.head) = (stored.position, stored.last, stored.head);
        (self.as_of, self.standing) = (stored.as_of, stored.standing);
        self.partitions = stored.partitions;
        Checkpoint { fence: self.fence, ..stored }
    }

    pub(super) fn meter(&self) -> &Arc<ProjectionMeter> {
        &self.status.meter
    }

    /// The checkpoint of this place, once what was sent is written.
    pub(super) fn here(&self) -> Checkpoint {
        let Self { position, last, head, as_of, .. } = *self;
        self.checkpoint(Goal { position, last, head, as_of })
    }

    /// What leads from here to `goal`.
    pub(super) fn commit(
        &self,
        goal: Goal,
        documents: Vec<DocumentWrite>,
        parked: Vec<DeadLetter>,
    ) -> Commit {
        Commit { documents, parked, ..Commit::of(self.position, self.checkpoint(goal)) }
    }

    /// That the log has another past than what is applied.
    pub(super) fn divergence(&self, head: Position) -> Commit {
        let goal = Goal { position: self.position, last: self.last, head, as_of: self.as_of };
        let mut commit = self.commit(goal, Vec::new(), Vec::new());
        commit.checkpoint.diverged = true;
        commit
    }

    /// A commit is on its way.
    pub(super) fn depart(&mut self, goal: Goal) {
        (self.position, self.last) = (goal.position, goal.last);
        (self.head, self.as_of) = (goal.head, goal.as_of);
    }

    /// Waits for what was sent. Where it turned out otherwise than was said, the answer is `true`.
    pub(super) async fn settle(&mut self) -> Result<bool, Stop> {
        match self.sent.take() {
            Some(sent) => sent.settle(self).await,
            None => Ok(false),
        }
    }

    /// Documents as they are once what was sent is written, as far as they are known here, and the keys of the others.
    pub(super) fn documents(&mut self, keys: &[String]) -> (Vec<StoredDocument>, Vec<String>) {
        let sent = self.sent.as_ref().map(Sent::written).unwrap_or_default();
        let sent: HashMap<&str, &StoredDocument, RandomState> =
            sent.iter().map(|document| (document.key.as_str(), document)).collect();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for key in keys {
            match sent.get(key.as_str()).map(|document| (*document).clone()).or_else(|| self.recent.get(key))
            {
                Some(document) => found.push(document),
                None if self.known.as_ref().is_some_and(|known| !known.may_have(key)) => {}
                None => missing.push(key.clone()),
            }
        }
        if let Some(known) = &mut self.known
            && !known.add(keys.iter().map(String::as_str))
        {
            self.known = None;
        }
        (found, missing)
    }

    /// These are what its documents are like now.
    pub(super) fn keep(&mut self, documents: Vec<StoredDocument>) {
        self.recent.keep(documents);
    }

    /// Others have written documents.
    pub(super) fn forget(&mut self) {
        self.recent.forget();
        self.known = None;
    }

    /// A commit was written.
    pub(super) fn arrive(&mut self, goal: Goal, parked: Vec<DeadLetter>) {
        self.depart(goal);
        self.written = Some(Instant::now());
        // An event that is parked for several documents is one.
        let events: HashSet<Position> = parked.iter().map(|letter| letter.position).collect();
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let mut checkpoint = self.checkpoint(goal);
        checkpoint.parked = self.status.parked(&self.projection).saturating_add(count);
        self.status.set_checkpoint(&self.projection, &checkpoint);
        for letter in parked {
            self.tell_of(&letter);
            self.parked.insert(letter.sequence);
        }
    }

    /// The store counts what is parked by itself.
    pub(super) fn checkpoint(&self, Goal { position, last, head, as_of }: Goal) -> Checkpoint {
        Checkpoint {
            log: self.log,
            position,
            last,
            diverged: false,
            head,
            as_of,
            parked: 0,
            fence: self.fence,
            standing: self.standing,
            partitions: self.partitions,
        }
    }

    fn tell_of(&self, letter: &DeadLetter) {
        let DeadLetter { sequence, position, stream, event, reason, .. } = letter;
        let projection = &self.projection;
        if let Reason::Failed(error) = reason {
            tracing::error!(%projection, ?sequence, %position, %stream, event, error, "an event is parked");
            self.status
                .fail(format!("the event `{event}` of {stream} at position {position} is parked: {error}"));
        }
        self.status.meter.parked();
    }
}

/// Waits for what was sent of all of these, each to its end. Where some of it turned out otherwise than was said, the answer is
/// `true`.
pub(super) async fn settle(places: impl IntoIterator<Item = &mut Place>) -> Result<bool, Stop> {
    let mut settled = Ok(false);
    for place in places {
        let changed = place.settle().await;
        settled = settled.and_then(|before| Ok(before | changed?));
    }
    settled
}
