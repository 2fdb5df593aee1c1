use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::{ProjectionState, RuntimeOptions, batch::Batch, status::Status, with_causes};
use crate::{
    domain::{Feeds, Projection},
    envelope::{EventId, Position, RecordedEvent},
    store::{
        Checkpoint, Commit, CommitError, DeadLetter, Error, EventFilter, EventStore, LogPage, ProjectionSpec,
        Reason, Selector, Sequence, ViewStore,
    },
};

/// What a runner is made of.
pub(super) struct RunnerParts {
    pub(super) spec: ProjectionSpec,
    pub(super) log: Arc<dyn EventStore>,
    pub(super) views: Arc<dyn ViewStore>,
    pub(super) options: RuntimeOptions,
    pub(super) status: Arc<Status>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Builds one projection from the log, until it is stopped.
pub(super) struct Runner<P> {
    parts: RunnerParts,
    feeds: Feeds<P>,
    filter: EventFilter,
    heartbeat: Duration,
    marker: PhantomData<fn() -> P>,
}

/// Why a stretch of work ended.
enum End {
    /// The application stops.
    Stopped,
    /// A store is away, or another writer has moved the projection: start over from the stored checkpoint.
    Again(String),
    /// Going on would lose data.
    Halted(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        let text = with_causes(&error);
        match error {
            Error::Unavailable { .. } | Error::Closed => Self::Again(text),
            _ => Self::Halted(text),
        }
    }
}

/// Where the projection stands, between two batches.
struct Place {
    position: Position,
    /// The id of the event at that position.
    last: Option<EventId>,
    as_of: Timestamp,
    parked: HashSet<Sequence>,
    /// When the read store last heard of the projection; `None`: never.
    written: Option<Instant>,
}

impl<P: Projection> Runner<P> {
    pub(super) fn new(parts: RunnerParts) -> Self {
        let feeds = Feeds::<P>::of();
        let selectors = feeds.iter().map(|feed| Selector {
            category: feed.category.to_owned(),
            names: (!feed.whole).then(|| feed.types.iter().map(|event| event.name.to_owned()).collect()),
        });
        let filter = EventFilter { any_of: Some(selectors.collect()) };
        let heartbeat = parts.options.heartbeat_for(P::MAX_LAG);
        Self { parts, feeds, filter, heartbeat, marker: PhantomData }
    }

    pub(super) async fn run(self) {
        let watching = async {
            let mut ticks = tokio::time::interval(self.heartbeat);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.parts.status.observe();
            }
        };
        tokio::select! {
            () = self.drive() => {}
            () = watching => {}
        }
        self.parts.status.set_state(ProjectionState::Stopped);
    }

    async fn drive(&self) {
        let projection = &self.parts.spec.id;
        let mut pauses = self.parts.options.pauses();
        let mut attempts = 0_u32;
        loop {
            let mut progressed = false;
            match self.work(&mut progressed).await {
                End::Stopped => return,
                End::Halted(reason) => {
                    tracing::error!(%projection, reason, "the projection has halted");
                    self.parts.status.set_state(ProjectionState::Halted { reason });
                    self.stopped().await;
                    return;
                }
                End::Again(error) => {
                    if progressed {
                        (pauses, attempts) = (self.parts.options.pauses(), 0);
                    }
                    attempts += 1;
                    tracing::warn!(%projection, error, attempts, "the projection starts over from its checkpoint");
                    metrics::counter!("cqrs_projection_retries_total", "projection" => projection.name.clone())
                        .increment(1);
                    self.parts.status.set_state(ProjectionState::Retrying { error, attempts });
                    let pause = pauses.next().unwrap_or(self.parts.options.longest_pause);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.stopped() => return,
                    }
                }
            }
        }
    }

    /// Works from the stored checkpoint on, until something is in the way.
    async fn work(&self, progressed: &mut bool) -> End {
        match self.try_work(progressed).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_work(&self, progressed: &mut bool) -> Result<std::convert::Infallible, End> {
        let RunnerParts { log, views, spec, status, options, .. } = &self.parts;
        let mut news = log.watch();
        views.prepare(spec).await?;
        let mut place = self.resume().await?;
        loop {
            if *self.parts.stop.borrow() {
                return Err(End::Stopped);
            }
            news.borrow_and_update();
            let seen = Timestamp::now();
            let page = log.read_log(place.position, &self.filter, options.batch).await?;
            if page.head < place.position {
                return Err(self.diverged(&mut place, page.head).await);
            }
            let at_head = page.through >= page.head;
            place.as_of = match page.events.last() {
                _ if at_head => seen,
                Some(last) => last.metadata.time,
                None => place.as_of,
            };
            if page.through > place.position {
                status.set_state(ProjectionState::CatchingUp);
                self.apply(&mut place, &page).await?;
                *progressed = true;
                status.observe();
            }
            if !at_head {
                continue;
            }
            status.set_as_of(place.as_of);
            status.set_state(ProjectionState::Live);
            if place.written.is_none_or(|written| written.elapsed() >= self.heartbeat) {
                self.commit(&mut place, &page, Vec::new(), Vec::new()).await.map_err(End::of)?;
                *progressed = true;
            }
            tokio::select! {
                changed = news.changed() => changed.map_err(|_| End::from(Error::Closed))?,
                () = tokio::time::sleep(self.heartbeat) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Reads where the projection stands.
    async fn resume(&self) -> Result<Place, End> {
        let RunnerParts { log, views, spec, status, .. } = &self.parts;
        let checkpoint = views.checkpoint(&spec.id).await?;
        let mut place = Place {
            position: Position::ZERO,
            last: None,
            as_of: Timestamp::UNIX_EPOCH,
            parked: HashSet::new(),
            written: None,
        };
        let Some(checkpoint) = checkpoint else { return Ok(place) };
        if checkpoint.log != log.log_id() {
            return Err(End::Halted(format!(
                "the checkpoint belongs to the log {}, but the write store is the log {}. Connect the write store that \
                 these views were built from, or use another read store",
                checkpoint.log,
                log.log_id()
            )));
        }
        (place.position, place.last) = (checkpoint.position, checkpoint.last);
        place.as_of = checkpoint.as_of;
        place.parked = views.parked_sequences(&spec.id).await?.into_iter().collect();
        status.set_checkpoint(&checkpoint);
        self.compare(&mut place).await?;
        Ok(place)
    }

    /// Compares the last event that was applied with the one that the log has in its place. A log that was put back
    /// to an earlier state may since have grown beyond the checkpoint again.
    async fn compare(&self, place: &mut Place) -> Result<(), End> {
        let Some(before) = place.position.get().checked_sub(1) else { return Ok(()) };
        let page = self.parts.log.read_log(Position::new(before), &EventFilter::ALL, 1).await?;
        let found = page.events.first().map(|event| event.event_id);
        if found.is_some() && (place.last.is_none() || found == place.last) {
            return Ok(());
        }
        Err(self.diverged(place, page.head).await)
    }

    /// The log was put back. Says so in the read store too, so that no query takes the views for fresh.
    async fn diverged(&self, place: &mut Place, head: Position) -> End {
        let RunnerParts { log, views, spec, .. } = &self.parts;
        let (position, last) = (place.position, place.last);
        let checkpoint = Checkpoint {
            log: log.log_id(),
            position,
            last,
            diverged: true,
            head,
            as_of: place.as_of,
            parked: 0,
        };
        let commit = Commit { expected: position, checkpoint, documents: Vec::new(), parked: Vec::new() };
        if let Err(error) = views.commit(&spec.id, commit).await {
            return End::of(error);
        }
        End::Halted(format!(
            "the checkpoint is at position {position}, but the log, which ends at {head}, has another event there or \
             none: it was put back to an earlier state. Restore the log, or build the projection anew under a higher \
             `version`"
        ))
    }

    /// Folds a page into its documents, and writes them.
    async fn apply(&self, place: &mut Place, page: &LogPage) -> Result<(), End> {
        let RunnerParts { views, spec, .. } = &self.parts;
        let started = Instant::now();
        let batch = Batch::<P>::of(&self.feeds, &page.events, views.format());
        let keys = batch.keys();
        let mut refused = HashMap::new();
        loop {
            let stored = if keys.is_empty() { Vec::new() } else { views.load(&spec.id, &keys).await? };
            let changes = batch.fold(&stored, &place.parked, &refused, Timestamp::now());
            let parked = changes.parked.clone();
            match self.commit(place, page, changes.documents, changes.parked).await {
                Ok(()) => {
                    for letter in parked {
                        self.tell_of(&letter);
                        place.parked.insert(letter.sequence);
                    }
                    self.measure(&page.events, started);
                    return Ok(());
                }
                Err(CommitError::TooLarge { key, size, limit, .. }) if !refused.contains_key(&key) => {
                    let error =
                        format!("the document {key:?} has {size} bytes, but the read store takes {limit}");
                    refused.insert(key, error);
                }
                Err(CommitError::Unfit { key, reason, .. }) if !refused.contains_key(&key) => {
                    let error = format!("the read store can't hold the document {key:?}: {reason}");
                    refused.insert(key, error);
                }
                Err(error) => return Err(End::of(error)),
            }
        }
    }

    async fn commit(
        &self,
        place: &mut Place,
        page: &LogPage,
        documents: Vec<crate::store::DocumentWrite>,
        parked: Vec<DeadLetter>,
    ) -> Result<(), CommitError> {
        let RunnerParts { log, views, spec, status, .. } = &self.parts;
        // An event that is parked for several documents is one.
        let events: HashSet<Position> = parked.iter().map(|letter| letter.position).collect();
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let mut checkpoint = Checkpoint {
            log: log.log_id(),
            position: page.through,
            last: page.last,
            diverged: false,
            head: page.head,
            as_of: place.as_of,
            parked: 0,
        };
        let commit = Commit { expected: place.position, checkpoint, documents, parked };
        views.commit(&spec.id, commit).await?;
        (place.position, place.last) = (page.through, page.last);
        place.written = Some(Instant::now());
        checkpoint.parked = status.health().parked.saturating_add(count);
        status.set_checkpoint(&checkpoint);
        Ok(())
    }

    fn tell_of(&self, letter: &DeadLetter) {
        let DeadLetter { sequence, position, stream, event, reason, .. } = letter;
        let projection = &self.parts.spec.id;
        if let Reason::Failed(error) = reason {
            tracing::error!(%projection, ?sequence, %position, %stream, event, error, "an event is parked");
        }
        metrics::counter!("cqrs_projection_parked_total", "projection" => projection.name.clone())
            .increment(1);
    }

    fn measure(&self, events: &[RecordedEvent], started: Instant) {
        let name = &self.parts.spec.id.name;
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        metrics::counter!("cqrs_projection_events_total", "projection" => name.clone()).increment(count);
        metrics::histogram!("cqrs_projection_batch_seconds", "projection" => name.clone())
            .record(started.elapsed());
    }

    async fn stopped(&self) {
        let mut stop = self.parts.stop.clone();
        // An error means that the application is gone, which is as good as a stop.
        let _: Result<_, _> = stop.wait_for(|stop| *stop).await;
    }
}

impl End {
    fn of(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Superseded { .. } => Self::Again(with_causes(&error)),
            CommitError::TooLarge { .. } | CommitError::Unfit { .. } => Self::Halted(with_causes(&error)),
        }
    }
}
