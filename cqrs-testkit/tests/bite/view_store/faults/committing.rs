use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use cqrs_core::{
    document::DateTime,
    domain::IndexValue,
    envelope::{Json, Position},
    memory::MemoryViewStore,
    store::{Change, Commit, CommitError, Error, ProjectionId, Reason, StoredDocument, ViewStore},
};
use cqrs_testkit::tokio::task::yield_now;
use jiff::Timestamp;

use super::Committing;
use crate::hook::{Hook, hook};

type Commits = Option<Hook<MemoryViewStore, Committing, Result<(), CommitError>>>;

/// Changes each batch before it is written.
fn changed(change: impl Fn(&mut Commit) + Send + Sync + 'static) -> Commits {
    let change = Arc::new(change);
    hook(move |store: MemoryViewStore, (id, mut commit): Committing| {
        change(&mut commit);
        async move { store.commit(&id, commit).await }
    })
}

/// Changes each indexed value before it is written.
fn indexing(change: fn(&mut IndexValue)) -> Commits {
    changed(move |commit| {
        for write in &mut commit.documents {
            if let Change::Put { indexes, .. } = &mut write.change {
                indexes.iter_mut().for_each(change);
            }
        }
    })
}

async fn position(store: &MemoryViewStore, id: &ProjectionId) -> Position {
    store.checkpoint(id).await.unwrap().map(|checkpoint| checkpoint.position).unwrap_or_default()
}

/// Drops what a batch puts where the document that is there fits.
fn dropping_puts_over(there: fn(&StoredDocument) -> bool) -> Commits {
    hook(move |store: MemoryViewStore, (id, mut commit): Committing| async move {
        let keys: Vec<String> = commit.documents.iter().map(|write| write.key.clone()).collect();
        let kept = store.load(&id, &keys).await?;
        commit.documents.retain(|write| {
            matches!(write.change, Change::Remove)
                || !kept.iter().any(|document| document.key == write.key && there(document))
        });
        store.commit(&id, commit).await
    })
}

/// What breaks the rule in place of a commit.
pub(super) fn committing(rule: &str) -> Commits {
    match rule {
        "a_batch_is_written_whole" => changed(|commit| commit.parked.clear()),
        "a_batch_for_another_checkpoint_is_refused_whole" => {
            hook(|store: MemoryViewStore, (id, commit): Committing| async move {
                let outcome = store.commit(&id, commit.clone()).await;
                if let (Err(_), Some(checkpoint)) = (&outcome, store.checkpoint(&id).await?) {
                    let expected = checkpoint.position;
                    store.commit(&id, Commit { expected, checkpoint, ..commit }).await?;
                }
                outcome
            })
        }
        "a_batch_delivered_twice_changes_nothing" => {
            hook(|store: MemoryViewStore, (id, mut commit): Committing| async move {
                let at = position(&store, &id).await;
                if at == commit.checkpoint.position {
                    commit.expected = at;
                }
                store.commit(&id, commit).await
            })
        }
        "of_racing_batches_on_one_checkpoint_just_one_wins" => {
            hook(|store: MemoryViewStore, (id, mut commit): Committing| async move {
                let at = position(&store, &id).await;
                if at == commit.expected {
                    yield_now().await;
                    commit.expected = position(&store, &id).await;
                }
                store.commit(&id, commit).await
            })
        }
        "a_dropped_batch_is_written_whole_or_not_at_all" => {
            hook(|store: MemoryViewStore, (id, mut commit): Committing| async move {
                let rest = commit.documents.split_off(1);
                let (checkpoint, expected) = (commit.checkpoint, commit.checkpoint.position);
                store.commit(&id, commit).await?;
                yield_now().await;
                yield_now().await;
                store.commit(&id, Commit { expected, checkpoint, documents: rest, parked: vec![] }).await
            })
        }
        "a_batch_may_be_large" => hook(|store: MemoryViewStore, (id, commit): Committing| async move {
            if commit.documents.len() > 1000 {
                return Err(Error::invalid("too many variables").into());
            }
            store.commit(&id, commit).await
        }),
        "a_checkpoint_is_read_back_as_it_was_written" => changed(|commit| {
            let as_of = &mut commit.checkpoint.as_of;
            *as_of = Timestamp::from_millisecond(as_of.as_millisecond()).unwrap();
        }),
        "a_batch_without_documents_moves_the_checkpoint" => {
            hook(|store: MemoryViewStore, (id, commit): Committing| async move {
                if commit.documents.is_empty() { Ok(()) } else { store.commit(&id, commit).await }
            })
        }
        "documents_are_read_back_as_they_were_written" => changed(|commit| {
            for write in &mut commit.documents {
                if let Change::Put { data, .. } = &mut write.change {
                    let text = data.clone().into_text().unwrap();
                    *data = Json::from_text(text.as_str().replace("null", "0")).unwrap().into();
                }
            }
        }),
        "moments_are_held_to_the_millisecond" => indexing(|value| {
            if let IndexValue::Time(time) = value {
                *time = DateTime::from_millis(time.as_millis().div_euclid(1_000) * 1_000).unwrap();
            }
        }),
        "a_document_is_held_as_it_is_or_refused_by_name" => changed(|commit| {
            for write in &mut commit.documents {
                if let Change::Put { data, .. } = &mut write.change {
                    let text = data.clone().into_text().unwrap();
                    *data = Json::from_text(text.as_str().replace("\\u0000", "")).unwrap().into();
                }
            }
        }),
        "a_document_is_replaced" => dropping_puts_over(|document| document.data.is_some()),
        "a_removed_document_can_come_back" => dropping_puts_over(|document| document.data.is_none()),
        "keys_are_taken_literally" => changed(|commit| {
            for write in &mut commit.documents {
                write.key = write.key.trim().to_owned();
            }
        }),
        "numbers_are_compared_exactly" => indexing(|value| {
            if let IndexValue::Int(int) = value {
                #[expect(clippy::cast_precision_loss, reason = "it is the fault")]
                let real = *int as f64;
                *value = IndexValue::Real(real);
            }
        }),
        "text_is_compared_by_its_bytes" => indexing(|value| {
            if let IndexValue::Text(text) = value {
                *text = text.to_lowercase();
            }
        }),
        "a_changed_document_is_found_by_its_new_values" => {
            let first: Mutex<HashMap<String, Vec<IndexValue>>> = Mutex::default();
            changed(move |commit| {
                for write in &mut commit.documents {
                    if let Change::Put { indexes, .. } = &mut write.change {
                        let mut first = first.lock().unwrap();
                        indexes.clone_from(first.entry(write.key.clone()).or_insert_with(|| indexes.clone()));
                    }
                }
            })
        }
        "dead_letters_are_read_back_as_they_were_parked" => changed(|commit| {
            for letter in &mut commit.parked {
                if let Reason::Failed(why) = &mut letter.reason {
                    why.truncate(1000);
                }
            }
        }),
        _ => None,
    }
}
