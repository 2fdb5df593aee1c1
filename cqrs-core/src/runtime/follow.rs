//! Runs a projection, or partitions of it, on the leases that it has.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    ProjectionState,
    ahead::Pages,
    balance::Balance,
    builds::{Plan, superseded},
    end::End,
    flow::{Flow, TELL_EVERY},
    lease::Lease,
    pace::Pace,
    place::Place,
    policy::Policy,
    rebuild::{Progress, Rebuild},
    runner::{Runner, RunnerParts},
};
use crate::{
    envelope::Position,
    query::checkpoint_of,
    store::{Checkpoint, Commit, Error, Partition, ProjectionId, Standing},
};

/// How often it is looked for builds that are asked no more.
const RETIRE_EVERY: Duration = Duration::from_secs(10);

/// The builds beside the one that is kept up to date.
#[derive(Default)]
pub(super) struct Beside {
    /// One of an older version, which answers until this one has caught up.
    replaces: Option<ProjectionId>,
    /// One of this version, which is to take this one's place.
    rebuild: Option<Rebuild>,
}

impl Beside {
    fn has_caught_up(&self) -> bool {
        self.rebuild.as_ref().is_some_and(Rebuild::has_caught_up)
    }

    /// Has the build end that is to take this one's place, before it is given up.
    pub(super) async fn end_rebuild(&mut self) {
        if let Some(rebuild) = self.rebuild.take() {
            rebuild.abandon().await;
        }
    }

    async fn catches_up(&self) {
        match &self.rebuild {
            Some(rebuild) => rebuild.catches_up().await,
            None => std::future::pending().await,
        }
    }
}

impl Runner {
    /// Runs the projection as the one that leads it.
    pub(super) async fn lead(&self, lease: &Arc<Lease>, progressed: &mut bool) -> Result<Infallible, End> {
        let RunnerParts { views, projection, work, status, .. } = &self.parts;
        let fence = fence(lease, Partition::WHOLE)?;
        let builds = views.builds(&projection.name).await?;
        let Plan { main, replaces, rebuild, outlived, partitions } = Plan::of(&builds, projection);
        for (id, checkpoint) in outlived {
            self.supersede_partitions(&id, main.generation).await?;
            views.commit(&id, superseded(checkpoint, main.generation, fence)).await?;
        }
        work.prepare(&main).await?;
        let standing = if replaces.is_some() { Standing::Building } else { Standing::Live };
        let (place, checkpoint) = self.resume(&main, fence, standing).await?;
        if let Some(rebuild) = &rebuild {
            // Whoever was about to switch to it, and was held up, is too late from here on.
            match self.resume(rebuild, fence, Standing::Building).await {
                // What is wrong with that one alone, it says by itself.
                Ok(_) | Err(End::Halted(_)) => {}
                Err(end) => return Err(end),
            }
        }
        // From here on nobody else can change what is to be run. The one before may have, since it was looked at.
        let builds = views.builds(&projection.name).await?;
        let now = Plan::of(&builds, projection);
        if (&now.main, now.partitions, &now.rebuild) != (&main, partitions, &rebuild) {
            return Err(End::Moved);
        }
        // Whoever had divided it may have died on the way.
        self.tell_of_division(&builds, &main, partitions).await?;
        status.hold(true);
        status.see(&main, partitions, &builds);
        let is_new = place.position == Position::ZERO && partitions == 1;
        status.set_outdated(self.is_outdated(&main, is_new).await?);
        let rebuild = rebuild.map(|build| Rebuild::start(self, lease, build));
        if rebuild.is_none() {
            status.end_rebuild();
        }
        let beside = Beside { replaces, rebuild };
        let mut flow = if partitions == 1 {
            status.set_checkpoint(&main, &checkpoint);
            Flow::whole(place)
        } else {
            Flow::divided(main, partitions, Some(place))
        };
        self.run_flow(&mut flow, lease, beside, progressed).await
    }

    /// Runs partitions of a projection that another application leads.
    pub(super) async fn run_along(
        &self,
        lease: &Arc<Lease>,
        progressed: &mut bool,
    ) -> Result<Infallible, End> {
        let RunnerParts { views, projection, options, status, .. } = &self.parts;
        // While somebody gathers all partitions, the build may become another one.
        loop {
            let seen = self.leases.look().await?;
            status.see_owners(&seen);
            let Some(owner) = seen.gathering else { break };
            self.stand_by(&owner);
            tokio::select! {
                () = tokio::time::sleep(options.lease / 6) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
        let builds = views.builds(&projection.name).await?;
        let Plan { main, partitions, .. } = Plan::of(&builds, projection);
        status.hold(false);
        status.see(&main, partitions, &builds);
        if partitions == 1 {
            return Err(End::Moved);
        }
        // For all of its partitions.
        self.parts.work.prepare(&main).await?;
        let mut flow = Flow::divided(main, partitions, None);
        self.run_flow(&mut flow, lease, Beside::default(), progressed).await
    }

    async fn run_flow(
        &self,
        flow: &mut Flow,
        lease: &Arc<Lease>,
        mut beside: Beside,
        progressed: &mut bool,
    ) -> Result<Infallible, End> {
        let end = self.follow(flow, lease, &mut beside, progressed).await;
        if let (Err(End::BuiltAnew), Some(rebuild)) = (&end, beside.rebuild) {
            flow.settle().await?;
            self.switch(flow, rebuild, lease).await?;
            return Err(End::Moved);
        }
        // What was sent is not left behind. If it fails, the next one begins where the store is.
        if let Err(error) = flow.settle().await {
            tracing::debug!(projection = %self.parts.projection, ?error, "the last batch failed");
        }
        end
    }

    /// Follows the log from a place on, until something is in the way.
    async fn follow(
        &self,
        flow: &mut Flow,
        lease: &Lease,
        beside: &mut Beside,
        progressed: &mut bool,
    ) -> Result<Infallible, End> {
        let status = &self.parts.status;
        let views = &*self.parts.views;
        // That of a new version, which is built beside the older one that answers.
        let mut building =
            beside.replaces.as_ref().map(|_| Progress::begin(flow.build.clone(), flow.position));
        let pace = if building.is_some() { Pace::of_a_build } else { Pace::of };
        let mut pages = Pages::of(&self.reader, pace(&self.parts.options));
        let mut control = self.control();
        let mut standstill = control.standstill().await?;
        let mut balance = Balance::default();
        let mut retired: Option<Instant> = None;
        loop {
            if self.balance(flow, lease, &mut balance, standstill.paused.is_some()).await? {
                pages = Pages::of(&self.reader, pace(&self.parts.options));
            }
            if self.serve(&mut control, &mut standstill, flow, lease, &mut balance, beside).await? {
                return Err(End::Moved);
            }
            let is_to_be_divided = lease.leads() && self.partitions() != flow.partitions;
            // All of it is to be at one position, for which it would have to go on.
            let may_change = standstill.paused.is_none() || !flow.is_divided();
            if (beside.has_caught_up() || is_to_be_divided)
                && may_change
                && self.gather(flow, &mut balance, true).await?
            {
                if !is_to_be_divided {
                    return Err(End::BuiltAnew);
                }
                self.divide(flow, lease).await?;
                return Err(End::Moved);
            }
            let paused = standstill.paused.as_ref();
            if paused.is_some() || flow.places.is_empty() {
                flow.settle().await?;
                if let Some(paused) = paused {
                    status.set_state(ProjectionState::Paused { by: paused.by.clone() });
                }
                if flow.places.is_empty() {
                    self.show_others(&flow.build, flow.partitions).await?;
                    self.look_after(flow, beside, &mut retired).await?;
                }
                tokio::select! {
                    () = tokio::time::sleep(self.heartbeat) => continue,
                    () = self.stopped() => return Err(End::Stopped),
                }
            }
            let page = tokio::select! {
                biased;
                () = self.stopped() => return Err(End::Stopped),
                page = pages.next(flow.position) => page?,
            };
            let follows = page.comes_after(flow.position, flow.last);
            self.check(lease, &mut flow.places, follows, page.head).await?;
            let (goal, at_head) = (page.goal(flow.as_of), page.is_at_head());
            if page.through > flow.position {
                status.set_state(ProjectionState::CatchingUp);
                pages.read_ahead(&page);
                let started = Instant::now();
                flow.write(views, page.batch, goal).await?;
                pages.pace.took(page.events, started.elapsed());
                status.meter.batch(page.events, started.elapsed());
                if let Some(progress) = &building {
                    status.set_rebuild(progress.at(flow.position, goal.head));
                    self.throttle(page.events, started).await;
                }
                *progressed = flow.places.iter().any(|place| place.written.is_some());
                status.observe();
            }
            if !at_head {
                continue;
            }
            flow.settle().await?;
            flow.depart(goal);
            status.set_as_of(goal.as_of);
            status.set_state(ProjectionState::Live);
            if self.look_after(flow, beside, &mut retired).await? {
                *progressed = true;
                if building.take().is_some() {
                    status.end_rebuild();
                }
            }
            flow.beat(views, goal, self.heartbeat).await?;
            *progressed |= flow.places.iter().any(|place| place.written.is_some());
            let wait = if flow.is_to_tell() { TELL_EVERY } else { self.heartbeat };
            tokio::select! {
                () = beside.catches_up() => {}
                news = pages.news() => news?,
                () = tokio::time::sleep(wait) => if flow.is_to_tell() { flow.tell(views, goal).await? },
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Shows how far the projection is where others run it.
    pub(super) async fn show_others(&self, build: &ProjectionId, partitions: u16) -> Result<(), Error> {
        let RunnerParts { views, projection, status, .. } = &self.parts;
        status.see(build, partitions, &views.builds(&projection.name).await?);
        Ok(())
    }

    /// Has a build answer that has caught up for the first time, and removes those that nobody asks any more; whether it
    /// answers from now on.
    async fn look_after(
        &self,
        flow: &mut Flow,
        beside: &Beside,
        retired: &mut Option<Instant>,
    ) -> Result<bool, End> {
        let RunnerParts { views, options, .. } = &self.parts;
        let takes_over = self.takes_over(flow, beside).await?;
        let as_of = flow.as_of;
        let Some(main) = flow.main() else { return Ok(false) };
        if takes_over {
            main.standing = Standing::Live;
            main.as_of = main.as_of.max(as_of);
            views.commit(&main.projection, Commit::of(main.position, main.here())).await?;
        }
        if main.standing == Standing::Live && retired.is_none_or(|last| last.elapsed() >= RETIRE_EVERY) {
            *retired = Some(Instant::now());
            self.retire(&main.projection, options.grace).await?;
        }
        Ok(takes_over)
    }

    /// Whether a build that does not answer yet is as far as the one of the older version, which answers until now.
    async fn takes_over(&self, flow: &mut Flow, beside: &Beside) -> Result<bool, Error> {
        let (position, is_divided) = (flow.position, flow.is_divided());
        let Some(main) = flow.main().filter(|main| main.standing == Standing::Building) else {
            return Ok(false);
        };
        let Some(older) = &beside.replaces else { return Ok(true) };
        let builds = self.parts.views.builds(&main.projection.name).await?;
        let position_of =
            |id: &ProjectionId| checkpoint_of(&builds, id).map(|checkpoint| checkpoint.position);
        let own = if is_divided { position_of(&main.projection) } else { Some(position) };
        Ok(own.unwrap_or_default() >= position_of(older).unwrap_or_default())
    }

    /// Whether a page may be applied: one that `follows` what is applied, of a log with this head.
    pub(super) async fn check(
        &self,
        lease: &Lease,
        places: &mut [Place],
        follows: bool,
        head: Position,
    ) -> Result<(), End> {
        // This application may have been held up for any time.
        if !lease.is_held().await? {
            return Err(End::taken_over());
        }
        if follows {
            return Ok(());
        }
        let mut end = None;
        for place in places {
            place.settle().await?;
            end = Some(self.diverged(place, head).await);
        }
        end.map_or(Ok(()), Err)
    }

    /// Reads where a place stands, and from then on keeps all others from writing.
    ///
    /// `standing`: of a build that has no checkpoint yet.
    pub(super) async fn resume(
        &self,
        projection: &ProjectionId,
        fence: u64,
        standing: Standing,
    ) -> Result<(Place, Checkpoint), End> {
        let RunnerParts { log, views, status, .. } = &self.parts;
        let stored = views.checkpoint(projection).await?;
        let policy = Policy {
            on_error: self.parts.work.on_error(),
            max_parked: self.parts.options.max_parked,
            others: Arc::default(),
        };
        let mut place = Place::start(log.log_id(), projection.clone(), fence, policy, Arc::clone(status));
        if stored.is_none() && !projection.partition.is_whole() {
            // The build has been divided anew.
            return Err(End::Moved);
        }
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
}

/// The fencing number of what is held.
pub(super) fn fence(lease: &Lease, partition: Partition) -> Result<u64, End> {
    lease.fence(partition).ok_or_else(End::taken_over)
}
