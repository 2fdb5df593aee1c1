//! Divides a build into another number of partitions.
//!
//! Whoever does it runs all of the build, and has brought it to one position. The new partitions are made beside the old ones,
//! with what is parked; then the checkpoint of the build itself says how many there are, and that is what counts. So a
//! crash before leaves the old ones as they were. The checkpoints of a division that is no more stay, and nobody asks for
//! them: whoever is late finds them fenced off, and they are taken up where the build is divided so again.

use super::{
    at_once::at_once, end::End, flow::Flow, follow::fence, lease::Lease, place::Place, runner::Runner,
};
use crate::{
    envelope::Position,
    store::{Build, Checkpoint, Commit, DeadLetter, Error, Partition, ProjectionId, Sequence, Standing},
};

/// How many dead letters are moved at once.
const AT_ONCE: usize = 1_000;

impl Runner {
    /// Divides the build that is run here as its projection declares.
    pub(super) async fn divide(&self, flow: &mut Flow, lease: &Lease) -> Result<(), End> {
        let partitions = self.partitions();
        let old: Vec<ProjectionId> = flow.places.iter().map(|place| place.projection.clone()).collect();
        let goal = flow.here();
        let Some(main) = flow.main() else { return Err(End::taken_over()) };
        let here = Checkpoint { partitions, standing: main.standing, ..main.checkpoint(goal) };
        self.divide_from(main, here, &old, lease).await?;
        tracing::info!(build = %flow.build, from = flow.partitions, to = partitions, "a build was divided anew");
        Ok(())
    }

    /// Makes the partitions that `here` says, with what is parked in the `old` ones, and has the build's own checkpoint say
    /// so.
    pub(super) async fn divide_from(
        &self,
        main: &mut Place,
        here: Checkpoint,
        old: &[ProjectionId],
        lease: &Lease,
    ) -> Result<(), End> {
        let views = &self.parts.views;
        let build = main.projection.clone();
        // From before the build was divided, or left where somebody died.
        if !old.contains(&build) {
            self.forget_letters(&build, main.here()).await?;
        }
        let mut new = Vec::new();
        if here.partitions > 1 {
            let seen = self.leases.look().await?;
            let known = views.builds(&build.name).await?;
            let made = at_once(Partition::all(here.partitions).map(|partition| {
                let (build, seen, known) = (&build, &seen, &known);
                async move {
                    if !lease.take(seen, partition).await? {
                        return Err(End::Again(format!("the partition {partition} is still another one's")));
                    }
                    let (id, fence) = (build.partition(partition), fence(lease, partition)?);
                    let known = known.iter().find(|known| known.id == id);
                    if known.is_none() {
                        self.parts.work.prepare(&id).await?;
                    }
                    // Of an earlier time when it was divided so.
                    let before = known.and_then(|known| known.checkpoint);
                    if let Some(before) = before {
                        self.forget_letters(&id, Checkpoint { fence, ..before }).await?;
                    }
                    let first = Checkpoint { fence, standing: Standing::Live, ..here };
                    Ok((id, first, before.map_or(Position::ZERO, |before| before.position)))
                }
            }));
            let mut moves = Vec::new();
            for made in made.await {
                let (id, first, position) = made?;
                moves.push((id.clone(), Commit::of(position, first)));
                new.push((id, first));
            }
            for moved in views.commit_all(moves).await {
                moved?;
            }
        } else {
            new.push((build.clone(), main.here()));
        }
        for id in old.iter().filter(|id| new.iter().all(|(new, _)| new != *id)) {
            self.copy_letters(id, &new).await?;
        }
        views.commit(&build, Commit::of(main.position, here)).await?;
        main.claim(Some(here));
        self.tell_of_division(&views.builds(&build.name).await?, &build, here.partitions).await?;
        if here.partitions > 1 && old.contains(&build) {
            self.forget_letters(&build, here).await?;
        }
        Ok(())
    }

    /// Says in the checkpoints of partitions that are no more into how many their build is divided by now: whoever asks for one
    /// of its documents knows no other.
    pub(super) async fn tell_of_division(
        &self,
        builds: &[Build],
        build: &ProjectionId,
        partitions: u16,
    ) -> Result<(), End> {
        let told: Vec<(ProjectionId, Commit)> = partitions_of(builds, build)
            .filter(|(id, checkpoint)| id.partition.of() != partitions && checkpoint.partitions != partitions)
            .map(|(id, checkpoint)| {
                (id, Commit::of(checkpoint.position, Checkpoint { partitions, ..checkpoint }))
            })
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        for told in self.parts.views.commit_all(told).await {
            told?;
        }
        Ok(())
    }

    async fn copy_letters(&self, from: &ProjectionId, to: &[(ProjectionId, Checkpoint)]) -> Result<(), End> {
        let views = &self.parts.views;
        let mut after = Position::ZERO;
        loop {
            let letters = views.dead_letters(from, None, after, AT_ONCE).await?;
            let Some(last) = letters.last() else { return Ok(()) };
            after = last.position;
            for (id, checkpoint) in to {
                let is_of = |letter: &&DeadLetter| match &letter.sequence {
                    Sequence::Document(key) => id.partition.has(key),
                    Sequence::Stream(_) => true,
                };
                let parked: Vec<DeadLetter> = letters.iter().filter(is_of).cloned().collect();
                if !parked.is_empty() {
                    let commit = Commit { parked, ..Commit::of(checkpoint.position, *checkpoint) };
                    views.commit(id, commit).await?;
                }
            }
        }
    }

    /// Takes away the dead letters that are kept by a build itself, which its partitions keep.
    async fn forget_letters(&self, build: &ProjectionId, here: Checkpoint) -> Result<(), End> {
        let views = &self.parts.views;
        loop {
            let letters = views.dead_letters(build, None, Position::ZERO, AT_ONCE).await?;
            if letters.is_empty() {
                return Ok(());
            }
            let resolved = letters.into_iter().map(|letter| (letter.sequence, letter.position)).collect();
            views.commit(build, Commit { resolved, ..Commit::of(here.position, here) }).await?;
        }
    }

    /// Says in the checkpoints of a build's partitions that another generation answers.
    pub(super) async fn supersede_partitions(&self, build: &ProjectionId, by: u32) -> Result<(), Error> {
        let views = &self.parts.views;
        let builds = views.builds(&build.name).await?;
        let superseded: Vec<(ProjectionId, Commit)> = partitions_of(&builds, build)
            .filter(|(_, checkpoint)| checkpoint.standing == Standing::Live)
            .map(|(id, checkpoint)| (id, super::builds::superseded(checkpoint, by, checkpoint.fence)))
            .collect();
        if superseded.is_empty() {
            return Ok(());
        }
        for told in views.commit_all(superseded).await {
            match told {
                Ok(()) => {}
                Err(crate::store::CommitError::Store(error)) => return Err(error),
                // Whoever has moved it is not the one that is meant.
                Err(error) => {
                    tracing::debug!(%error, "a partition was moved while another generation took over");
                }
            }
        }
        Ok(())
    }
}

/// The checkpoints of a build's partitions, also of divisions that are no more.
fn partitions_of<'b>(
    builds: &'b [Build],
    build: &'b ProjectionId,
) -> impl Iterator<Item = (ProjectionId, Checkpoint)> + 'b {
    let is_of = |id: &ProjectionId| id.whole() == *build && !id.partition.is_whole();
    builds
        .iter()
        .filter(move |known| is_of(&known.id))
        .filter_map(|known| Some((known.id.clone(), known.checkpoint?)))
}
