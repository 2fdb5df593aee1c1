use cqrs_core::{
    envelope::Position,
    store::{Checkpoint, Error, ProjectionId, StoredDocument},
};
use cqrs_testkit::tokio::sync::watch;

use crate::{
    hook::{hook, let_others_run},
    view_store::{Faults, Listing, Sound},
};

/// Stores that break the rule where they read single things, or watch.
pub(super) fn reading(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        "an_answer_is_never_older_than_its_checkpoint" => {
            broken.get = hook(|store: Sound, (id, key): (ProjectionId, String)| async move {
                let mut read = store.get(&id, &key).await?;
                let_others_run().await;
                read.checkpoint = store.checkpoint(&id).await?;
                Ok(read)
            });
        }
        "unknown_documents_are_left_out" => {
            broken.load = hook(|store: Sound, (id, keys): (ProjectionId, Vec<String>)| async move {
                let mut loaded = store.load(&id, &keys).await?;
                for key in keys {
                    if !loaded.iter().any(|document| document.key == key) {
                        let (created, applied) = (Position::ZERO, Position::ZERO);
                        loaded.push(StoredDocument { key, created, applied, data: None });
                    }
                }
                Ok(loaded)
            });
        }
        "a_removed_document_leaves_only_a_trace" => {
            broken.load = hook(|store: Sound, (id, keys): (ProjectionId, Vec<String>)| async move {
                let mut loaded = store.load(&id, &keys).await?;
                loaded.retain(|document| document.data.is_some());
                Ok(loaded)
            });
        }
        "dead_letters_come_in_whole_positions" => {
            broken.dead_letters = hook(|store: Sound, (id, of, after, limit): Listing| async move {
                let mut letters = store.dead_letters(&id, of.as_ref(), after, limit).await?;
                letters.truncate(limit);
                Ok(letters)
            });
        }
        "letters_of_one_sequence_are_listed" => {
            broken.dead_letters = hook(|store: Sound, (id, of, after, limit): Listing| async move {
                // A page of all letters is cut down to those of the sequence.
                let mut letters = store.dead_letters(&id, None, after, limit).await?;
                letters.retain(|letter| of.as_ref().is_none_or(|of| *of == letter.sequence));
                Ok(letters)
            });
        }
        "parked_sequences_are_listed_once" => {
            broken.parked_sequences = hook(|store: Sound, id: ProjectionId| async move {
                let letters = store.dead_letters(&id, None, Position::ZERO, usize::MAX).await?;
                Ok(letters.into_iter().map(|letter| letter.sequence).collect())
            });
        }
        "the_store_counts_parked_events" => {
            broken.checkpoint = hook(|store: Sound, id: ProjectionId| async move {
                let letters = store.dead_letters(&id, None, Position::ZERO, usize::MAX).await?.len() as u64;
                let checkpoint = store.checkpoint(&id).await?;
                Ok(checkpoint.map(|checkpoint| Checkpoint { parked: letters, ..checkpoint }))
            });
        }
        "a_projection_that_was_never_prepared_is_empty" => {
            broken.get = hook(|store: Sound, (id, key): (ProjectionId, String)| async move {
                if store.checkpoint(&id).await?.is_none() {
                    return Err(Error::invalid("no such table"));
                }
                store.get(&id, &key).await
            });
        }
        "projections_are_apart" => {
            broken.mistake = Some(|mut id| {
                id.name = id.name.split('_').next().unwrap().to_owned();
                id
            });
        }
        "versions_of_a_projection_are_apart" => {
            broken.mistake = Some(|id| ProjectionId { version: id.version % 10, ..id });
        }
        "generations_of_a_version_are_apart" => broken.mistake = Some(|id| id.generation(0)),
        "a_watcher_is_woken_by_a_batch" => {
            let (silent, watch) = watch::channel(None);
            broken.checkpoint = hook(move |store: Sound, id: ProjectionId| {
                // Open for as long as the store is, but nobody sends.
                let _ = &silent;
                async move { store.checkpoint(&id).await }
            });
            broken.watch = Some(watch);
        }
        _ => return None,
    }
    Some(broken)
}
