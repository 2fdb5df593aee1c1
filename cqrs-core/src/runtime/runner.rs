use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{
    ProjectionState, RuntimeOptions,
    ahead::{Pages, Reader},
    pace::Pace,
    place::{Goal, Place},
    status::Status,
    with_causes,
    work::Work,
};
use crate::{
    envelope::Position,
    store::{CommitError, Error, EventFilter, EventStore, ProjectionId, ViewStore},
};

/// What a runner is made of.
pub(super) struct RunnerParts {
    pub(super) projection: ProjectionId,
    pub(super) max_lag: Option<Duration>,
    pub(super) log: Arc<dyn EventStore>,
    pub(super) work: Arc<dyn Work>,
    /// Where the checkpoint is.
    pub(super) views: Arc<dyn ViewStore>,
    pub(super) options: RuntimeOptions,
    pub(super) status: Arc<Status>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Builds one projection from the log, until it is stopped.
pub(super) struct Runner {
    parts: RunnerParts,
    reader: Arc<Reader>,
    heartbeat: Duration,
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

impl Runner {
    pub(super) fn new(parts: RunnerParts) -> Self {
        let reader = Reader {
            log: Arc::clone(&parts.log),
            work: Arc::clone(&parts.work),
            filter: EventFilter::of_feeds(&parts.work.feeds()),
        };
        let heartbeat = parts.options.heartbeat_for(parts.max_lag);
        Self { parts, reader: Arc::new(reader), heartbeat }
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
        let projection = &self.parts.projection;
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
                    self.parts.status.meter.retried();
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

    async fn try_work(&self, progressed: &mut bool) -> Result<Infallible, End> {
        self.parts.work.prepare().await?;
        let mut place = self.resume().await?;
        let end = self.follow(&mut place, progressed).await;
        // What was sent is not left behind. If it fails, the next one begins where the store is.
        if let Err(error) = place.settle().await {
            tracing::debug!(projection = %self.parts.projection, error = with_causes(&error), "the last batch failed");
        }
        end
    }

    /// Follows the log from a place on, until something is in the way.
    async fn follow(&self, place: &mut Place, progressed: &mut bool) -> Result<Infallible, End> {
        let status = &self.parts.status;
        let mut pages = Pages::of(&self.reader, Pace::of(&self.parts.options));
        loop {
            let page = tokio::select! {
                biased;
                () = self.stopped() => return Err(End::Stopped),
                page = pages.next(place.position) => page?,
            };
            if !place.is_followed_by(&page) {
                place.settle().await.map_err(End::of)?;
                return Err(self.diverged(place, page.head).await);
            }
            let (goal, at_head) = (page.goal(place), page.is_at_head());
            if page.through > place.position {
                status.set_state(ProjectionState::CatchingUp);
                pages.read_ahead(&page);
                let started = Instant::now();
                page.batch.write(place, goal).await.map_err(End::of)?;
                pages.pace.took(page.events, started.elapsed());
                status.meter.batch(page.events, started.elapsed());
                *progressed = place.written.is_some();
                status.observe();
            }
            if !at_head {
                continue;
            }
            place.settle().await.map_err(End::of)?;
            place.as_of = goal.as_of;
            status.set_as_of(goal.as_of);
            status.set_state(ProjectionState::Live);
            if place.written.is_none_or(|written| written.elapsed() >= self.heartbeat) {
                self.beat(place, goal).await?;
                *progressed = true;
            }
            tokio::select! {
                news = pages.news() => news?,
                () = tokio::time::sleep(self.heartbeat) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Says in the read store that nothing is waiting to be applied.
    async fn beat(&self, place: &mut Place, goal: Goal) -> Result<(), End> {
        let commit = place.commit(goal, Vec::new(), Vec::new());
        self.parts.views.commit(&self.parts.projection, commit).await.map_err(End::of)?;
        place.arrive(goal, Vec::new());
        Ok(())
    }

    /// Reads where the projection stands.
    async fn resume(&self) -> Result<Place, End> {
        let RunnerParts { log, views, projection, status, .. } = &self.parts;
        let checkpoint = views.checkpoint(projection).await?;
        let mut place = Place::start(log.log_id(), projection.clone(), Arc::clone(status));
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
        place.parked = views.parked_sequences(projection).await?.into_iter().collect();
        status.set_checkpoint(&checkpoint);
        Ok(place)
    }

    /// The log was put back. Says so in the read store too, so that no query takes the views for fresh.
    async fn diverged(&self, place: &mut Place, head: Position) -> End {
        let RunnerParts { views, projection, .. } = &self.parts;
        let (position, divergence) = (place.position, place.divergence(head));
        if let Err(error) = views.commit(projection, divergence).await {
            return End::of(error);
        }
        End::Halted(format!(
            "the checkpoint is at position {position}, but the log, which ends at {head}, has another event there or \
             none: it was put back to an earlier state. Restore the log, or build the projection anew under a higher \
             `version`"
        ))
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
