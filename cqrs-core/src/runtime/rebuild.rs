use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{
    ahead::Pages, end::End, flow::Flow, follow::fence, lease::Lease, pace::Pace, place::Place, runner::Runner,
};
use crate::{
    envelope::Position,
    store::{Checkpoint, Commit, Partition, ProjectionId, Standing},
};

/// How a build is getting on that is to take the place of the one that answers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RebuildProgress {
    /// Which one.
    pub build: ProjectionId,
    /// All events up to here are applied, or parked.
    pub applied: Position,
    /// The head of the log.
    pub head: Position,
    /// Positions of the log a second, over the time that it runs here.
    pub events_per_second: f64,
    /// How long it takes until it has caught up, if it goes on like this; `None` where that can't be told.
    pub remaining: Option<Duration>,
    /// Why it has stopped, with the causes; `None` while it runs. The build that answers goes on.
    pub halted: Option<String>,
}

/// How a build gets on, from where it was when it was begun here.
pub(super) struct Progress {
    build: ProjectionId,
    began_at: Position,
    started: Instant,
}

impl Progress {
    pub(super) fn begin(build: ProjectionId, began_at: Position) -> Self {
        Self { build, began_at, started: Instant::now() }
    }

    pub(super) fn at(&self, applied: Position, head: Position) -> RebuildProgress {
        let elapsed = self.started.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "2^53 events are beyond any log")]
        let [done, left] = [applied.since(self.began_at), head.since(applied)].map(|count| count as f64);
        let events_per_second = if elapsed > 0.0 { done / elapsed } else { 0.0 };
        let seconds = (events_per_second > 0.0).then(|| left / events_per_second);
        RebuildProgress {
            build: self.build.clone(),
            applied,
            head,
            events_per_second,
            remaining: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            halted: None,
        }
    }
}

/// A build that goes on beside the one that answers.
pub(super) struct Rebuild {
    caught_up: watch::Receiver<bool>,
    /// The position at which the other one has stopped.
    until: watch::Sender<Option<Position>>,
    task: JoinHandle<Result<Place, End>>,
}

impl Rebuild {
    pub(super) fn start(runner: &Runner, lease: &Arc<Lease>, build: ProjectionId) -> Self {
        let (catch_up, caught_up) = watch::channel(false);
        let (until, stopped_at) = watch::channel(None);
        let building =
            Building { runner: runner.clone(), lease: Arc::clone(lease), build, catch_up, stopped_at };
        Self { caught_up, until, task: tokio::spawn(building.run()) }
    }

    /// Whether it is where the log ends.
    pub(super) fn has_caught_up(&self) -> bool {
        *self.caught_up.borrow()
    }

    /// Comes back when it is where the log ends; never, where it has given up.
    pub(super) async fn catches_up(&self) {
        let mut caught_up = self.caught_up.clone();
        if caught_up.wait_for(|caught_up| *caught_up).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Stops it where it is.
    pub(super) async fn abandon(mut self) {
        self.task.abort();
        // However it has ended, it is about to be removed.
        let _: Result<_, _> = (&mut self.task).await;
    }

    /// Waits until it has all that the other one has, which has stopped; or until it fails, as the other one is not to stand still
    /// for longer than that.
    pub(super) async fn end(mut self, stopped_at: Position) -> Result<Place, End> {
        self.until.send_replace(Some(stopped_at));
        (&mut self.task).await.unwrap_or_else(|error| Err(super::ended(error).into()))
    }
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Building {
    runner: Runner,
    lease: Arc<Lease>,
    build: ProjectionId,
    catch_up: watch::Sender<bool>,
    stopped_at: watch::Receiver<Option<Position>>,
}

impl Building {
    async fn run(mut self) -> Result<Place, End> {
        let options = self.runner.parts.options;
        let mut pauses = options.pauses();
        loop {
            let before = Instant::now();
            let end = match self.build().await {
                Ok(place) => return Ok(place),
                Err(end) => end,
            };
            match end {
                End::Again(error) => {
                    tracing::warn!(build = %self.build, error, "a build starts over from its checkpoint");
                    self.runner.parts.status.fail(format!("{}: {error}", self.build));
                    self.catch_up.send_replace(false);
                    if self.stopped_at.borrow().is_some() {
                        return Err(End::Again(error));
                    }
                    if before.elapsed() > options.longest_pause * 4 {
                        pauses = options.pauses();
                    }
                    let pause = pauses.next().unwrap_or(options.longest_pause);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        // An error means that nobody waits for it any more, and this ends, too.
                        _ = self.stopped_at.wait_for(Option::is_some) => return Err(End::Again(error)),
                    }
                }
                End::Halted(reason) => {
                    tracing::error!(build = %self.build, reason, "a build has halted");
                    self.runner.parts.status.fail(format!("{}: {reason}", self.build));
                    self.runner.parts.status.set_rebuild_halted(reason);
                    self.catch_up.send_replace(false);
                    // Whoever abandons it, or restarts the application, goes on from here; so does the one that is about to
                    // switch to it.
                    if self.stopped_at.wait_for(Option::is_some).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    return Err(End::Again(format!("the build {} has halted", self.build)));
                }
                end => return Err(end),
            }
        }
    }

    async fn build(&mut self) -> Result<Place, End> {
        let runner = self.runner.clone();
        runner.parts.work.prepare(&self.build).await?;
        let (mut place, _) =
            runner.resume(&self.build, fence(&self.lease, Partition::WHOLE)?, Standing::Building).await?;
        if place.standing != Standing::Building {
            // Somebody has switched to it, which the one beside it is to find out.
            self.catch_up.send_replace(true);
            return Err(End::Moved);
        }
        let progress = Progress::begin(self.build.clone(), place.position);
        runner.parts.status.set_rebuild(progress.at(place.position, place.here().head));
        let end = self.read_on(&runner, &mut place, &progress).await;
        let settled = place.settle().await;
        end?;
        settled?;
        Ok(place)
    }

    /// Applies the log, up to where the other one has stopped.
    async fn read_on(&mut self, runner: &Runner, place: &mut Place, progress: &Progress) -> Result<(), End> {
        let mut pages = Pages::of(&runner.reader, Pace::of_a_build(&runner.parts.options));
        loop {
            // It may have all of it already.
            if self.stopped_at.borrow_and_update().is_some_and(|until| place.position >= until) {
                return Ok(());
            }
            let page = pages.next(place.position).await?;
            let follows = page.comes_after(place.position, place.last);
            runner.check(&self.lease, std::slice::from_mut(place), follows, page.head).await?;
            let (goal, at_head, started) = (page.goal(place.as_of), page.is_at_head(), Instant::now());
            if page.through > place.position {
                pages.read_ahead(&page);
                page.batch.write(place, goal).await?;
                pages.pace.took(page.events, started.elapsed());
                runner.parts.status.set_rebuild(progress.at(place.position, goal.head));
                runner.throttle(page.events, started).await;
            }
            if !at_head {
                continue;
            }
            place.settle().await?;
            place.as_of = goal.as_of;
            self.catch_up.send_replace(true);
            tokio::select! {
                news = pages.news() => news?,
                // An error means that nobody waits for it any more, and this ends, too.
                _ = self.stopped_at.changed() => {}
            }
        }
    }
}

impl Runner {
    /// Leaves the databases time for others, where an option says so.
    pub(super) async fn throttle(&self, events: usize, started: Instant) {
        let Some(most) = self.parts.options.rebuild_events_per_second else { return };
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let least = Duration::from_secs(1) / most.get() * events;
        tokio::time::sleep_until(started + least).await;
    }

    /// Has the build that is as far as this one answer from now on.
    pub(super) async fn switch(&self, old: &mut Flow, rebuild: Rebuild, lease: &Lease) -> Result<(), End> {
        let mut new = tokio::select! {
            new = rebuild.end(old.position) => new?,
            () = self.stopped() => return Err(End::Stopped),
        };
        if !lease.is_held().await? {
            return Err(End::taken_over());
        }
        let views = &self.parts.views;
        // It has all that the other one has.
        new.as_of = new.as_of.max(old.as_of);
        let live = Checkpoint { standing: Standing::Live, partitions: old.partitions, ..new.here() };
        if old.is_divided() {
            let own = [new.projection.clone()];
            self.divide_from(&mut new, live, &own, lease).await?;
        } else {
            views.commit(&new.projection, Commit::of(new.position, live)).await?;
        }
        let by = new.projection.generation;
        self.supersede_partitions(&old.build, by).await?;
        let goal = old.here();
        if let Some(main) = old.main() {
            let here = Checkpoint { standing: Standing::Superseded { by }, ..main.checkpoint(goal) };
            views.commit(&main.projection, Commit::of(main.position, here)).await?;
        }
        self.parts.status.end_rebuild();
        tracing::info!(build = %new.projection, position = %new.position, "a build has caught up, and answers from now on");
        Ok(())
    }
}
