use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cqrs_core::{
    envelope::Position,
    store::{Build, Commit, CommitError, Error, ProjectionId, ProjectionSpec, Sequence},
};
use cqrs_testkit::tokio::sync::watch;

use super::Committing;
use crate::{
    hook::{hook, let_others_run},
    view_store::{Faults, Listing, Sound},
};

/// What is listed of the build that this is, or is a partition of.
async fn of_one_build(store: &Sound, id: &ProjectionId) -> Result<Vec<Build>, Error> {
    let builds = store.builds(&id.name).await?;
    Ok(builds.into_iter().filter(|build| build.id.whole() == id.whole()).collect())
}

/// Stores that break the rule where they keep partitions.
pub(super) fn partitioning(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        // Each partition has a table of its own.
        "partitions_share_documents" => {
            broken.mistake = Some(|id| {
                let partition = u32::from(id.partition.index()) + 64 * u32::from(id.partition.of());
                let generation = if id.partition.is_whole() { 0 } else { 1_000 + partition };
                id.whole().generation(id.generation + generation)
            });
        }
        // They have one checkpoint together.
        "checkpoints_of_partitions_are_apart" => broken.mistake = Some(|id| id.whole()),
        "fences_of_partitions_are_apart" => {
            broken.commit = hook(|store: Sound, (id, commit): Committing| async move {
                let builds = of_one_build(&store, &id).await?;
                let fences = builds.iter().filter_map(|build| Some(build.checkpoint?.fence));
                match (fences.max(), commit.checkpoint.fence) {
                    (Some(newest), fence) if newest > fence => {
                        Err(CommitError::Fenced { projection: id, fence, newest })
                    }
                    _ => store.commit(&id, commit).await,
                }
            });
        }
        "letters_of_partitions_are_apart" => broken = letters_of_all(),
        "watchers_of_partitions_are_told_of_them_alone" => {
            // Whoever watches is told of all of them.
            let (own, watch) = watch::channel(None);
            broken.watch = Some(watch);
            broken.commit = hook(move |store: Sound, (id, commit): Committing| {
                let own = own.clone();
                async move {
                    let outcome = store.commit(&id, commit).await;
                    own.send_replace(store.checkpoint(&id).await?);
                    outcome
                }
            });
        }
        "partitions_are_written_at_the_same_time" => {
            let busy: Arc<AtomicBool> = Arc::default();
            broken.commit = hook(move |store: Sound, (id, commit): Committing| {
                let busy = Arc::clone(&busy);
                async move {
                    if busy.swap(true, Ordering::SeqCst) {
                        return Err(Error::invalid("another writer has locked the build").into());
                    }
                    let_others_run().await;
                    let outcome = store.commit(&id, commit).await;
                    busy.store(false, Ordering::SeqCst);
                    outcome
                }
            });
        }
        // The last one brings no documents.
        "batches_of_partitions_are_written_together" => {
            broken.commit_all = hook(|store: Sound, mut batches: Vec<Committing>| async move {
                if let Some((_, last)) = batches.last_mut() {
                    last.documents.clear();
                }
                store.commit_all(batches).await
            });
        }
        // It ends with the first that is refused.
        "a_batch_of_many_is_refused_by_itself" => {
            broken.commit_all = hook(|store: Sound, batches: Vec<Committing>| async move {
                let mut answers = Vec::new();
                for (id, commit) in batches {
                    let is_refused = matches!(answers.last(), Some(Err(_)));
                    let away = Err(Error::invalid("one before was refused").into());
                    answers.push(if is_refused { away } else { store.commit(&id, commit).await });
                }
                answers
            });
        }
        // It says of all that they were moved.
        "a_move_of_many_is_refused_by_itself" => {
            broken.commit_all = hook(|store: Sound, batches: Vec<Committing>| async move {
                let answers = store.commit_all(batches).await;
                answers.into_iter().map(|_| Ok(())).collect()
            });
        }
        // It takes a checkpoint that is where it was to be for one that it has moved.
        "of_two_who_move_many_each_is_moved_by_one" => {
            broken.commit_all = hook(|store: Sound, batches: Vec<Committing>| async move {
                let goals: Vec<Position> =
                    batches.iter().map(|(_, commit)| commit.checkpoint.position).collect();
                let answers = store.commit_all(batches).await.into_iter().zip(goals);
                let is_there = |answer: &Result<(), CommitError>, goal: Position| matches!(answer, Err(CommitError::Superseded { actual, .. }) if *actual == goal);
                answers.map(|(answer, goal)| if is_there(&answer, goal) { Ok(()) } else { answer }).collect()
            });
        }
        "partitions_are_listed" => {
            broken.builds = hook(|store: Sound, name: String| async move {
                let mut builds = store.builds(&name).await?;
                // As text is sorted.
                builds.sort_by_key(|build| (build.id.whole(), build.id.partition.to_string()));
                Ok(builds)
            });
        }
        "a_partition_that_is_removed_leaves_the_others" => {
            broken.remove =
                hook(|store: Sound, id: ProjectionId| async move { store.remove(&id.whole()).await });
        }
        "a_build_is_removed_with_its_partitions" => broken.remove = hook(keeping_checkpoints),
        "the_number_of_partitions_is_read_back" => {
            broken.commit = hook(|store: Sound, (id, mut commit): Committing| async move {
                commit.checkpoint.partitions = 1;
                store.commit(&id, commit).await
            });
        }
        // It begins with an empty table.
        "a_partition_is_prepared_beside_documents" => {
            broken.prepare = hook(|store: Sound, spec: ProjectionSpec| async move {
                let known = store.builds(&spec.id.name).await?;
                if !known.iter().any(|build| build.id == spec.id) {
                    store.remove(&spec.id.whole()).await?;
                }
                store.prepare(&spec).await
            });
        }
        "a_partition_has_to_be_prepared" => {
            broken.commit = hook(|store: Sound, (id, commit): Committing| async move {
                match store.commit(&id, commit.clone()).await {
                    Err(CommitError::Store(Error::Invalid { .. })) => store.commit(&id.whole(), commit).await,
                    outcome => outcome,
                }
            });
        }
        _ => return None,
    }
    Some(broken)
}

/// What is parked on one partition is listed for all.
fn letters_of_all() -> Faults {
    let parked_sequences = hook(|store: Sound, id: ProjectionId| async move {
        let mut sequences: Vec<Sequence> = Vec::new();
        for build in of_one_build(&store, &id).await? {
            sequences.extend(store.parked_sequences(&build.id).await?);
        }
        Ok(sequences)
    });
    let dead_letters = hook(|store: Sound, (id, of, after, limit): Listing| async move {
        let mut letters = Vec::new();
        for build in of_one_build(&store, &id).await? {
            letters.extend(store.dead_letters(&build.id, of.as_ref(), after, limit).await?);
        }
        Ok(letters)
    });
    Faults { parked_sequences, dead_letters, ..Faults::default() }
}

/// Removes a build, but not the checkpoints of its partitions.
async fn keeping_checkpoints(store: Sound, id: ProjectionId) -> Result<(), Error> {
    let kept = of_one_build(&store, &id).await?;
    store.remove(&id).await?;
    for Build { id, fingerprint, checkpoint } in kept {
        let Some(checkpoint) = checkpoint.filter(|_| !id.partition.is_whole()) else { continue };
        store.prepare(&ProjectionSpec { id: id.clone(), indexes: Vec::new(), fingerprint }).await?;
        let written = store.commit(&id, Commit::of(Position::ZERO, checkpoint)).await;
        written.map_err(|error| Error::invalid(error.to_string()))?;
    }
    Ok(())
}
