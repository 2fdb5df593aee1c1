//! Shares the partitions of a projection among the applications that run it, and gathers them all where the whole of it
//! is to be dealt with.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ProjectionState,
    ahead::Pages,
    at_once::at_once,
    builds::Plan,
    end::End,
    flow::Flow,
    follow::fence,
    lease::{Lease, Seen},
    pace::Pace,
    place::Place,
    runner::{Runner, RunnerParts},
    share::{Share, share},
};
use crate::{
    envelope::Position,
    store::{Error, Partition, ProjectionId, Standing},
};

/// Who is to run which partitions, as it was seen last.
#[derive(Default)]
pub(super) struct Balance {
    looked: Option<Instant>,
    /// When it was looked last how far those are that run elsewhere.
    looked_elsewhere: Option<Instant>,
    /// All partitions are wanted here.
    gathering: bool,
}

impl Balance {
    /// Whether it is time to look how far the partitions are that others run: once in the time of a lease, as it is for people,
    /// and who runs what is looked at more often. Where none runs here, it is looked at each heartbeat anyway.
    fn is_to_look_elsewhere(&mut self, flow: &Flow, every: Duration) -> bool {
        let shares = !flow.places.is_empty() && flow.places.len() < usize::from(flow.partitions);
        let is_to = shares && self.looked_elsewhere.is_none_or(|looked| looked.elapsed() >= every);
        if is_to {
            self.looked_elsewhere = Some(Instant::now());
        }
        is_to
    }

    /// Others may run partitions again.
    pub(super) const fn let_go(&mut self) {
        self.gathering = false;
    }
}

impl Runner {
    /// Takes the share of the partitions that this application is to run, and gives up what is more, if it is time to
    /// look. Where the log is to be read from another position than before, the answer is `true`.
    pub(super) async fn balance(
        &self,
        flow: &mut Flow,
        lease: &Lease,
        balance: &mut Balance,
        is_paused: bool,
    ) -> Result<bool, End> {
        let RunnerParts { options, owner, .. } = &self.parts;
        if !flow.is_divided() || balance.looked.is_some_and(|looked| looked.elapsed() < options.lease / 6) {
            return Ok(false);
        }
        balance.looked = Some(Instant::now());
        let seen = self.leases.look().await?;
        self.parts.status.see_owners(&seen);
        if balance.is_to_look_elsewhere(flow, options.lease) {
            self.look_elsewhere(&flow.build, flow.partitions).await;
        }
        lease.join(&seen).await?;
        if !lease.leads() {
            if let Some(other) = &seen.gathering {
                self.give_up(flow, lease, flow.places.len()).await?;
                self.stand_by(other);
                return Err(End::Moved);
            }
            let is_led = seen.holders.contains_key(&Partition::WHOLE);
            if !is_led && lease.take(&seen, Partition::WHOLE).await? {
                return Err(End::Moved);
            }
        }
        let free: Vec<Partition> = self.free(flow, &seen);
        if balance.gathering {
            lease.gather(&seen).await?;
            return self.take(flow, lease, &seen, &free, is_paused).await;
        }
        lease.let_go().await?;
        let mut held = seen.held(flow.partitions, owner);
        held.insert(owner.id, flow.places.len());
        let jumped = match share(&held, owner.id, usize::from(flow.partitions)) {
            Share::Enough => false,
            Share::Take(count) => {
                self.take(flow, lease, &seen, &free[..count.min(free.len())], is_paused).await?
            }
            Share::GiveUp(count) => {
                self.give_up(flow, lease, count).await?;
                false
            }
        };
        // What was held before, of this division or another one, and is not run here.
        for partition in lease.partitions() {
            if !flow.shown().contains(&partition) {
                lease.give_up(partition).await?;
            }
        }
        if flow.places.is_empty()
            && let Some(leader) = seen.holders.get(&Partition::WHOLE)
        {
            if leader.id == owner.id {
                self.parts.status.set_state(ProjectionState::Live);
            } else {
                self.stand_by(leader);
            }
        }
        Ok(jumped)
    }

    /// Looks how far the partitions are that others run.
    async fn look_elsewhere(&self, build: &ProjectionId, partitions: u16) {
        // Nothing that runs here is in need of it.
        if let Err(error) = self.show_others(build, partitions).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(%build, error, "how far other applications are can't be read");
        }
    }

    /// The partitions that nobody runs; another order for each application, so that they don't all want the same.
    fn free(&self, flow: &Flow, seen: &Seen) -> Vec<Partition> {
        let me = &self.parts.owner;
        let runs = |partition: &Partition| flow.places.iter().any(|it| it.projection.partition == *partition);
        // Also those that this application held before it started over.
        let mut free: Vec<Partition> = seen
            .of(flow.partitions)
            .filter(|(partition, holder)| holder.is_none_or(|holder| holder.id == me.id) && !runs(partition))
            .map(|(partition, _)| partition)
            .collect();
        let first = usize::try_from(me.id.as_u128() % free.len().max(1) as u128).unwrap_or(0);
        free.rotate_left(first);
        let is_mine = |partition: &Partition| seen.holders.get(partition).is_some_and(|it| it.id == me.id);
        free.sort_by_key(|partition| !is_mine(partition));
        free
    }

    /// Takes partitions, and brings them to where the others are; where the projection stands still, they all go on from where
    /// the one is that is furthest behind.
    async fn take(
        &self,
        flow: &mut Flow,
        lease: &Lease,
        seen: &Seen,
        partitions: &[Partition],
        is_paused: bool,
    ) -> Result<bool, End> {
        let tried = partitions.iter().map(|partition| async {
            Ok::<_, Error>(lease.take(seen, *partition).await?.then_some(*partition))
        });
        let taken: Vec<Option<Partition>> = at_once(tried).await.into_iter().collect::<Result<_, _>>()?;
        let taken: Vec<Partition> = taken.into_iter().flatten().collect();
        if taken.is_empty() {
            return Ok(false);
        }
        // Since the last look at the builds, all partitions may have been gathered, and the build be another one.
        let builds = self.parts.views.builds(&flow.build.name).await?;
        let plan = Plan::of(&builds, &self.parts.projection);
        if plan.main != flow.build || plan.partitions != flow.partitions {
            for partition in taken {
                lease.give_up(partition).await?;
            }
            return Err(End::Moved);
        }
        self.parts.status.see(&plan.main, plan.partitions, &builds);
        let resumed = at_once(taken.into_iter().map(|partition| {
            let id = flow.build.partition(partition);
            async move { self.resume(&id, fence(lease, partition)?, Standing::Live).await }
        }));
        let mut places = Vec::new();
        for resumed in resumed.await {
            let (place, checkpoint) = resumed?;
            self.parts.status.set_checkpoint(&place.projection, &checkpoint);
            places.push(place);
        }
        if is_paused {
            flow.settle().await?;
            places.append(&mut flow.places);
        }
        let is_first = flow.places.is_empty();
        if !is_first {
            places = self.catch_up(flow, lease, places).await?;
        }
        flow.join(places);
        tracing::debug!(projection = %self.parts.projection, partitions = flow.places.len(), "partitions were taken");
        Ok(is_first)
    }

    /// Applies to places that were taken what the others have applied already.
    async fn catch_up(&self, flow: &mut Flow, lease: &Lease, places: Vec<Place>) -> Result<Vec<Place>, End> {
        let views = &*self.parts.views;
        let mut late = Flow::divided(flow.build.clone(), flow.partitions, None);
        late.join(places);
        let mut pages = Pages::of(&self.reader, Pace::of(&self.parts.options));
        while late.position < flow.position {
            let page = pages.next(late.position).await?;
            let follows = page.comes_after(late.position, late.last);
            self.check(lease, &mut late.places, follows, page.head).await?;
            let goal = page.goal(late.as_of);
            if page.through <= late.position {
                return Err(End::Again("the log has answered with less than before".to_owned()));
            }
            pages.read_ahead(&page);
            late.write(views, page.batch, goal).await?;
        }
        late.settle().await?;
        late.tell(views, late.here()).await?;
        Ok(late.places)
    }

    /// Gives so many of its partitions up.
    async fn give_up(&self, flow: &mut Flow, lease: &Lease, count: usize) -> Result<(), End> {
        let rest = flow.places.len().saturating_sub(count);
        // What they have applied is told, so that whoever takes them has less to do.
        flow.settle().await?;
        flow.tell(&*self.parts.views, flow.here()).await?;
        let given_up: Vec<Partition> =
            flow.places.drain(rest..).map(|place| place.projection.partition).collect();
        for partition in &given_up {
            self.parts.status.leave(*partition);
        }
        let given_up = at_once(given_up.into_iter().map(|partition| lease.give_up(partition)));
        Ok(given_up.await.into_iter().collect::<Result<_, _>>()?)
    }

    /// Sees to it that all of a build is run here, and is `even`, at one position; whether it is by now. What is run elsewhere
    /// comes with the next looks.
    pub(super) async fn gather(
        &self,
        flow: &mut Flow,
        balance: &mut Balance,
        even: bool,
    ) -> Result<bool, End> {
        if !flow.is_divided() {
            flow.settle().await?;
            return Ok(true);
        }
        if flow.places.len() < usize::from(flow.partitions) {
            if !balance.gathering {
                (balance.gathering, balance.looked) = (true, None);
            }
            return Ok(false);
        }
        flow.settle().await?;
        if !even {
            return Ok(true);
        }
        if flow.position > Position::ZERO {
            flow.tell(&*self.parts.views, flow.here()).await?;
        }
        let is_gathered = flow.is_gathered();
        // Some are further than others: they go on until they are even.
        balance.gathering |= !is_gathered;
        Ok(is_gathered)
    }
}
