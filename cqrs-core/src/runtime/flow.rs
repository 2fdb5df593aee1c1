use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    place::{Goal, Place, settle},
    policy::Stop,
    work::Batch,
};
use crate::{
    envelope::{EventId, Position},
    store::{Commit, Partition, ProjectionId, ViewStore},
};

/// How often a partition that no event concerns says how far it is. It is what a list waits for, at most, beyond its
/// documents.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(50);

/// The places that one reading of the log moves: that of a build, or those of the partitions of one that are run here.
pub(super) struct Flow {
    pub(super) build: ProjectionId,
    /// Into how many partitions the build is divided.
    pub(super) partitions: u16,
    /// That of the build itself, where it is divided, and led here.
    pub(super) lead: Option<Place>,
    /// Each at this position or beyond, or with nothing to apply up to it.
    pub(super) places: Vec<Place>,
    pub(super) position: Position,
    /// The id of the event at that position.
    pub(super) last: Option<EventId>,
    pub(super) as_of: Timestamp,
    head: Position,
    /// When partitions without events were told of last.
    told: Option<Instant>,
}

impl Flow {
    /// Of a build that is not divided.
    pub(super) fn whole(place: Place) -> Self {
        let mut flow = Self::divided(place.projection.clone(), 1, None);
        flow.join(vec![place]);
        flow
    }

    /// Of a build that is divided, before any of its partitions is run here.
    pub(super) const fn divided(build: ProjectionId, partitions: u16, lead: Option<Place>) -> Self {
        Self {
            build,
            partitions,
            lead,
            places: Vec::new(),
            position: Position::ZERO,
            last: None,
            as_of: Timestamp::UNIX_EPOCH,
            head: Position::ZERO,
            told: None,
        }
    }

    pub(super) const fn is_divided(&self) -> bool {
        self.partitions > 1
    }

    /// The place of the build itself, where this application leads it.
    pub(super) fn main(&mut self) -> Option<&mut Place> {
        if self.partitions > 1 { self.lead.as_mut() } else { self.places.first_mut() }
    }

    /// Takes places in. The first ones say where the log is read.
    pub(super) fn join(&mut self, places: Vec<Place>) {
        if self.places.is_empty()
            && let Some(first) = places.iter().min_by_key(|place| place.position)
        {
            let here = first.here();
            (self.position, self.last, self.as_of, self.head) =
                (here.position, here.last, here.as_of, here.head);
        }
        self.places.extend(places);
    }

    pub(super) fn shown(&self) -> Vec<Partition> {
        self.places.iter().map(|place| place.projection.partition).collect()
    }

    /// Whether all of the build is run here, and is at one position.
    pub(super) fn is_gathered(&self) -> bool {
        self.places.len() == usize::from(self.partitions)
            && self.places.iter().all(|place| place.position == self.position)
    }

    /// Waits for what was sent. Where it turned out otherwise than was said, the answer is `true`.
    pub(super) async fn settle(&mut self) -> Result<bool, Stop> {
        settle(&mut self.places).await
    }

    /// Writes what a page does.
    pub(super) async fn write(
        &mut self,
        views: &dyn ViewStore,
        batch: Box<dyn Batch>,
        goal: Goal,
    ) -> Result<(), Stop> {
        match &mut *self.places {
            [place] if self.partitions == 1 => batch.write(place, goal).await?,
            places => batch.write_among(places, goal).await?,
        }
        self.depart(goal);
        if self.is_divided() { self.tell_in_time(views, goal).await } else { Ok(()) }
    }

    /// Says how far some of the partitions are that no event concerned: so many that all of them are told of each time that
    /// the time has passed, those first that are furthest behind. All at once would hold the next page up.
    async fn tell_in_time(&mut self, views: &dyn ViewStore, goal: Goal) -> Result<(), Stop> {
        let passed = self.told.map_or(TELL_EVERY, |told| told.elapsed());
        let mut behind: Vec<&mut Place> =
            self.places.iter_mut().filter(|place| place.position < goal.position).collect();
        let some = share(behind.len(), passed);
        if some == 0 {
            return Ok(());
        }
        behind.sort_by_key(|place| place.position);
        self.told = Some(Instant::now());
        advance(views, behind.into_iter().take(some), goal).await
    }

    /// All that comes up to here is written, or on its way.
    pub(super) fn depart(&mut self, goal: Goal) {
        (self.position, self.last) = (goal.position, goal.last);
        (self.as_of, self.head) = (goal.as_of, goal.head);
    }

    /// Where it is.
    pub(super) const fn here(&self) -> Goal {
        Goal { position: self.position, last: self.last, head: self.head, as_of: self.as_of }
    }

    /// Whether partitions wait for being told how far they are.
    pub(super) fn is_to_tell(&self) -> bool {
        self.places.iter().any(|place| place.position < self.position)
    }

    /// Says how far the partitions are that no event concerned.
    pub(super) async fn tell(&mut self, views: &dyn ViewStore, goal: Goal) -> Result<(), Stop> {
        self.told = Some(Instant::now());
        advance(views, self.places.iter_mut().filter(|place| place.position < goal.position), goal).await
    }

    /// Says of all that have not been heard of for so long that nothing is waiting to be applied.
    pub(super) async fn beat(
        &mut self,
        views: &dyn ViewStore,
        goal: Goal,
        heartbeat: Duration,
    ) -> Result<(), Stop> {
        let is_due = |place: &&mut Place| {
            place.position <= goal.position
                && place.written.is_none_or(|written| written.elapsed() >= heartbeat)
        };
        advance(views, self.places.iter_mut().filter(is_due), goal).await
    }
}

/// How many of so many are to be told of after this time.
fn share(many: usize, passed: Duration) -> usize {
    let in_time = |time: Duration| usize::try_from(time.as_micros()).unwrap_or(usize::MAX);
    let part = many.saturating_mul(in_time(passed)) / in_time(TELL_EVERY);
    part.min(many)
}

/// Moves checkpoints alone, of places of which nothing is on its way.
async fn advance(
    views: &dyn ViewStore,
    places: impl Iterator<Item = &mut Place>,
    goal: Goal,
) -> Result<(), Stop> {
    let places: Vec<&mut Place> = places.collect();
    debug_assert!(places.iter().all(|place| place.sent.is_none()), "what was sent is settled first");
    let moves: Vec<(ProjectionId, Commit)> = places
        .iter()
        .map(|place| (place.projection.clone(), place.commit(goal, Vec::new(), Vec::new())))
        .collect();
    if moves.is_empty() {
        return Ok(());
    }
    for moved in views.commit_all(moves).await {
        moved?;
    }
    for place in places {
        place.arrive(goal, Vec::new());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_partitions_are_told_of_in_the_time_and_none_too_often() {
        let after = |many, millis| share(many, Duration::from_millis(millis));
        assert_eq!([after(64, 50), after(64, 80), after(1, 50)], [64, 64, 1]);
        assert_eq!([after(64, 5), after(64, 25), after(63, 0), after(0, 50)], [6, 32, 0, 0]);
        // What is too little is not lost: the time goes on to count.
        assert_eq!([after(1, 49), after(2, 24)], [0, 0]);
    }
}
