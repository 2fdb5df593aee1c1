use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{
    ProjectionState, RuntimeOptions,
    ahead::{Pages, Reader},
    builds::{Plan, superseded},
    control::Control,
    lease::{Acquired, Lease, Leases},
    owner::Owner,
    pace::Pace,
    place::{Goal, Place},
    policy::{Policy, Stop},
    rebuild::Rebuild,
    shared_log::SharedLog,
    status::Status,
    with_causes,
    work::Work,
};
use crate::{
    envelope::Position,
    query::Current,
    store::{Checkpoint, Commit, CommitError, Error, EventStore, ProjectionId, Standing, ViewStore},
};

/// What a runner is made of.
#[derive(Clone)]
pub(super) struct RunnerParts {
    pub(super) projection: ProjectionId,
    pub(super) max_lag: Option<Duration>,
    pub(super) log: Arc<dyn EventStore>,
    /// The same, as it is read together with the other projections.
    pub(super) shared_log: Arc<SharedLog>,
    pub(super) work: Arc<dyn Work>,
    /// Where the checkpoint is.
    pub(super) views: Arc<dyn ViewStore>,
    /// The same as queries see it.
    pub(super) current: Arc<Current>,
    pub(super) options: RuntimeOptions,
    /// This application.
    pub(super) owner: Owner,
    pub(super) status: Arc<Status>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Builds one projection from the log, until it is stopped.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) parts: RunnerParts,
    pub(super) reader: Arc<Reader>,
    heartbeat: Duration,
}

/// How often it is looked for builds that are asked no more.
const RETIRE_EVERY: Duration = Duration::from_secs(10);

/// The builds beside the one that is kept up to date.
struct Beside {
    /// One of an older version, which answers until this one has caught up.
    replaces: Option<ProjectionId>,
    /// One of this version, which is to take this one's place.
    rebuild: Option<Rebuild>,
}

impl Beside {
    fn has_caught_up(&self) -> bool {
        self.rebuild.as_ref().is_some_and(Rebuild::has_caught_up)
    }

    async fn catches_up(&self) {
        match &self.rebuild {
            Some(rebuild) => rebuild.catches_up().await,
            None => std::future::pending().await,
        }
    }
}

/// Why a stretch of work ended.
pub(super) enum End {
    /// The application stops.
    Stopped,
    /// A store is away, or another writer has moved the projection: start over from the stored checkpoint.
    Again(String),
    /// The projection was moved: start over at once.
    Moved,
    /// Another build has caught up, and takes its place.
    BuiltAnew,
    /// Going on would lose data.
    Halted(String),
}

impl End {
    fn taken_over() -> Self {
        Self::Again("another application has taken it over".to_owned())
    }
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
        let reader = Reader::of(&parts.log, &parts.shared_log, &parts.work);
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
                End::Moved | End::BuiltAnew => {}
                End::Halted(reason) => {
                    tracing::error!(%projection, reason, "the projection has halted");
                    self.parts.status.set_state(ProjectionState::Halted { reason });
                    tokio::select! {
                        () = self.resumed() => {}
                        () = self.stopped() => return,
                    }
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
        let lease = Arc::new(self.acquire().await?);
        let end = tokio::select! {
            end = self.own(&lease, progressed) => end,
            () = lease.lost() => Err(End::taken_over()),
        };
        // Whatever is wrong here, another application may do better.
        if let Err(error) = lease.release().await {
            let error = with_causes(&error);
            tracing::debug!(projection = %self.parts.projection, error, "the lease was not given back");
        }
        end
    }

    fn control(&self) -> Control {
        let RunnerParts { projection, views, owner, .. } = &self.parts;
        Control::new(Arc::clone(views), projection.clone(), owner.clone(), self.heartbeat)
    }

    /// Waits until somebody says that a projection that has halted is to go on.
    async fn resumed(&self) {
        let mut control = self.control();
        let mut known = None;
        loop {
            match control.resumed(&mut known).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::debug!(projection = %self.parts.projection, error, "requests can't be read");
                }
            }
            tokio::time::sleep(self.heartbeat).await;
        }
    }

    /// Waits until the projection is to be run here.
    async fn acquire(&self) -> Result<Lease, End> {
        let RunnerParts { projection, views, current, owner, options, status, .. } = &self.parts;
        let leases = Leases::of(Arc::clone(views), projection, owner.clone(), options.lease);
        loop {
            let owner = match leases.acquire().await? {
                Acquired::Own(lease) => return Ok(lease),
                Acquired::Others(owner) => owner,
            };
            if let Some(checkpoint) = current.checkpoint(projection).await? {
                status.set_checkpoint(&checkpoint);
            }
            if status.set_state(ProjectionState::Standby { owner: owner.clone() }) {
                tracing::info!(%projection, %owner, "another application runs the projection; this one stands by");
            }
            tokio::select! {
                () = tokio::time::sleep(options.lease / 6) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Runs the projection as the owner of its lease.
    async fn own(&self, lease: &Arc<Lease>, progressed: &mut bool) -> Result<Infallible, End> {
        let RunnerParts { views, projection, work, status, .. } = &self.parts;
        let Plan { main, replaces, rebuild, outlived } = Plan::read(&**views, projection).await?;
        for (id, checkpoint) in outlived {
            views.commit(&id, superseded(checkpoint, main.generation, lease.fence())).await?;
        }
        work.prepare(&main).await?;
        let standing = if replaces.is_some() { Standing::Building } else { Standing::Live };
        let (mut place, checkpoint) = self.resume(&main, lease, standing).await?;
        status.set_checkpoint(&checkpoint);
        status.set_outdated(self.is_outdated(&main, place.position == Position::ZERO).await?);
        let rebuild = rebuild.map(|build| Rebuild::start(self, lease, build));
        if rebuild.is_none() {
            status.end_rebuild();
        }
        let beside = Beside { replaces, rebuild };
        let end = self.follow(&mut place, lease, &beside, progressed).await;
        if let (Err(End::BuiltAnew), Some(rebuild)) = (&end, beside.rebuild) {
            place.settle().await?;
            self.switch(place, rebuild, lease).await?;
            return end;
        }
        // What was sent is not left behind. If it fails, the next one begins where the store is.
        if let Err(error) = place.settle().await {
            tracing::debug!(projection = %self.parts.projection, ?error, "the last batch failed");
        }
        end
    }

    /// Follows the log from a place on, until something is in the way.
    async fn follow(
        &self,
        place: &mut Place,
        lease: &Lease,
        beside: &Beside,
        progressed: &mut bool,
    ) -> Result<Infallible, End> {
        let status = &self.parts.status;
        let mut pages = Pages::of(&self.reader, Pace::of(&self.parts.options));
        let mut control = self.control();
        let mut standstill = control.standstill().await?;
        let mut retired: Option<Instant> = None;
        loop {
            if self.serve(&mut control, &mut standstill, place).await? {
                return Err(End::Moved);
            }
            if beside.has_caught_up() {
                return Err(End::BuiltAnew);
            }
            if let Some(paused) = &standstill.paused {
                place.settle().await?;
                status.set_state(ProjectionState::Paused { by: paused.by.clone() });
                tokio::select! {
                    () = tokio::time::sleep(self.heartbeat) => continue,
                    () = self.stopped() => return Err(End::Stopped),
                }
            }
            let page = tokio::select! {
                biased;
                () = self.stopped() => return Err(End::Stopped),
                page = pages.next(place.position) => page?,
            };
            let follows = place.is_followed_by(&page);
            self.check(lease, place, follows, page.head).await?;
            let (goal, at_head) = (page.goal(place), page.is_at_head());
            if page.through > place.position {
                status.set_state(ProjectionState::CatchingUp);
                pages.read_ahead(&page);
                let started = Instant::now();
                page.batch.write(place, goal).await?;
                pages.pace.took(page.events, started.elapsed());
                status.meter.batch(page.events, started.elapsed());
                *progressed = place.written.is_some();
                status.observe();
            }
            if !at_head {
                continue;
            }
            place.settle().await?;
            place.as_of = goal.as_of;
            status.set_as_of(goal.as_of);
            status.set_state(ProjectionState::Live);
            let takes_over =
                place.standing == Standing::Building && self.is_as_far(place.position, beside).await?;
            if takes_over {
                place.standing = Standing::Live;
            }
            if takes_over || place.written.is_none_or(|written| written.elapsed() >= self.heartbeat) {
                self.beat(place, goal).await?;
                *progressed = true;
            }
            if place.standing == Standing::Live && retired.is_none_or(|last| last.elapsed() >= RETIRE_EVERY) {
                retired = Some(Instant::now());
                self.retire(&place.projection, self.parts.options.grace).await?;
            }
            tokio::select! {
                () = beside.catches_up() => {}
                news = pages.news() => news?,
                () = tokio::time::sleep(self.heartbeat) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Whether a page may be applied: one that `follows` what is applied, of a log with this head.
    pub(super) async fn check(
        &self,
        lease: &Lease,
        place: &mut Place,
        follows: bool,
        head: Position,
    ) -> Result<(), End> {
        // This application may have been held up for any time.
        if !lease.is_held().await? {
            return Err(End::taken_over());
        }
        if !follows {
            place.settle().await?;
            return Err(self.diverged(place, head).await);
        }
        Ok(())
    }

    /// Says in the read store that nothing is waiting to be applied.
    async fn beat(&self, place: &mut Place, goal: Goal) -> Result<(), End> {
        let commit = place.commit(goal, Vec::new(), Vec::new());
        self.parts.views.commit(&place.projection, commit).await?;
        place.arrive(goal, Vec::new());
        Ok(())
    }

    /// Reads where the projection stands, and from then on keeps all others from writing.
    ///
    /// `standing`: of a build that has no checkpoint yet.
    pub(super) async fn resume(
        &self,
        projection: &ProjectionId,
        lease: &Lease,
        standing: Standing,
    ) -> Result<(Place, Checkpoint), End> {
        let RunnerParts { log, views, status, .. } = &self.parts;
        let stored = views.checkpoint(projection).await?;
        let policy =
            Policy { on_error: self.parts.work.on_error(), max_parked: self.parts.options.max_parked };
        let mut place =
            Place::start(log.log_id(), projection.clone(), lease.fence(), policy, Arc::clone(status));
        if let Some(stored) = stored.filter(|stored| stored.log != log.log_id()) {
            return Err(End::Halted(format!(
                "the checkpoint belongs to the log {}, but the write store is the log {}. Connect the write store that \
                 these views were built from, or use another read store",
                stored.log,
                log.log_id()
            )));
        }
        place.standing = standing;
        let claimed = place.claim(stored);
        let commit = Commit::of(place.position, claimed);
        views.commit(projection, commit).await?;
        place.parked = views.parked_sequences(projection).await?.into_iter().collect();
        Ok((place, claimed))
    }

    /// Whether the build of the older version, which answers until now, is no further.
    async fn is_as_far(&self, position: Position, beside: &Beside) -> Result<bool, Error> {
        let Some(older) = &beside.replaces else { return Ok(true) };
        let older = self.parts.views.checkpoint(older).await?;
        Ok(older.is_none_or(|older| older.position <= position))
    }

    /// The log was put back. Says so in the read store too, so that no query takes the views for fresh.
    async fn diverged(&self, place: &mut Place, head: Position) -> End {
        let (views, projection) = (&self.parts.views, &place.projection);
        let (position, divergence) = (place.position, place.divergence(head));
        if let Err(error) = views.commit(projection, divergence).await {
            return error.into();
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

impl From<CommitError> for End {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Superseded { .. } | CommitError::Fenced { .. } => Self::Again(with_causes(&error)),
            CommitError::TooLarge { .. } | CommitError::Unfit { .. } => Self::Halted(with_causes(&error)),
        }
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Commit(error) => error.into(),
            Stop::Retry(what) => Self::Again(what),
            Stop::Halt(what) => Self::Halted(what),
        }
    }
}
