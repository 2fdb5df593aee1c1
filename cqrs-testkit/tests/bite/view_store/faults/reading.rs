use cqrs_core::{
    envelope::Position,
    memory::MemoryViewStore,
    store::{Checkpoint, Error, ProjectionId, StoredDocument, ViewStore},
};
use cqrs_testkit::tokio::{sync::watch, task::yield_now};

use crate::{hook::hook, view_store::Broken};

/// Stores that break the rule where they read single things, or watch.
pub(super) fn reading(rule: &str) -> Option<Broken> {
    let mut broken = Broken::default();
    match rule {
        "an_oversized_document_is_named_and_nothing_is_written" => {
            broken.sound = broken.sound.max_document_bytes(usize::MAX);
        }
        "an_answer_is_never_older_than_its_checkpoint" => {
            broken.get = hook(|store: MemoryViewStore, (id, key): (ProjectionId, String)| async move {
                let mut read = store.get(&id, &key).await?;
                yield_now().await;
                read.checkpoint = store.checkpoint(&id).await?;
                Ok(read)
            });
        }
        "unknown_documents_are_left_out" => {
            broken.load =
                hook(|store: MemoryViewStore, (id, keys): (ProjectionId, Vec<String>)| async move {
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
            broken.load =
                hook(|store: MemoryViewStore, (id, keys): (ProjectionId, Vec<String>)| async move {
                    let mut loaded = store.load(&id, &keys).await?;
                    loaded.retain(|document| document.data.is_some());
                    Ok(loaded)
                });
        }
        "dead_letters_come_in_whole_positions" => {
            broken.dead_letters = hook(
                |store: MemoryViewStore, (id, after, limit): (ProjectionId, Position, usize)| async move {
                    let mut letters = store.dead_letters(&id, after, limit).await?;
                    letters.truncate(limit);
                    Ok(letters)
                },
            );
        }
        "parked_sequences_are_listed_once" => {
            broken.parked_sequences = hook(|store: MemoryViewStore, id: ProjectionId| async move {
                let letters = store.dead_letters(&id, Position::ZERO, usize::MAX).await?;
                Ok(letters.into_iter().map(|letter| letter.sequence).collect())
            });
        }
        "the_store_counts_parked_events" => {
            broken.checkpoint = hook(|store: MemoryViewStore, id: ProjectionId| async move {
                let letters = store.dead_letters(&id, Position::ZERO, usize::MAX).await?.len() as u64;
                let checkpoint = store.checkpoint(&id).await?;
                Ok(checkpoint.map(|checkpoint| Checkpoint { parked: letters, ..checkpoint }))
            });
        }
        "a_projection_that_was_never_prepared_is_empty" => {
            broken.get = hook(|store: MemoryViewStore, (id, key): (ProjectionId, String)| async move {
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
        "a_watcher_is_woken_by_a_batch" => {
            let (silent, watch) = watch::channel(None);
            broken.checkpoint = hook(move |store: MemoryViewStore, id: ProjectionId| {
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
