use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use cqrs_core::{
    document::{DateTime, Value},
    domain::IndexValue,
    envelope::{Json, Position},
    store::{Change, Commit, CommitError, Data, Error, ProjectionId, Reason, StoredDocument},
};
use jiff::Timestamp;

use super::Committing;
use crate::{
    hook::{Hook, hook, let_others_run},
    view_store::Sound,
};

type Commits = Option<Hook<Sound, Committing, Result<(), CommitError>>>;

/// Changes each batch before it is written.
fn changed(change: impl Fn(&mut Commit) + Send + Sync + 'static) -> Commits {
    let change = Arc::new(change);
    hook(move |store: Sound, (id, mut commit): Committing| {
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

async fn position(store: &Sound, id: &ProjectionId) -> Position {
    store.checkpoint(id).await.unwrap().map(|checkpoint| checkpoint.position).unwrap_or_default()
}

/// Drops what a batch puts where the document that is there fits.
fn dropping_puts_over(there: fn(&StoredDocument) -> bool) -> Commits {
    hook(move |store: Sound, (id, mut commit): Committing| async move {
        let keys: Vec<String> = commit.documents.iter().map(|write| write.key.clone()).collect();
        let kept = store.load(&id, &keys).await?;
        commit.documents.retain(|write| {
            matches!(write.change, Change::Remove)
                || !kept.iter().any(|document| document.key == write.key && there(document))
        });
        store.commit(&id, commit).await
    })
}

fn in_seconds(time: DateTime) -> DateTime {
    DateTime::from_millis(time.as_millis().div_euclid(1_000) * 1_000).unwrap()
}

fn cut_moments(tree: &mut Value) {
    match tree {
        Value::Time(time) => *time = in_seconds(*time),
        Value::List(values) => values.iter_mut().for_each(cut_moments),
        Value::Map(fields) => fields.iter_mut().for_each(|(_, value)| cut_moments(value)),
        _ => {}
    }
}

/// What breaks the rule in place of a commit.
pub(super) fn committing(rule: &str) -> Commits {
    match rule {
        "a_batch_is_written_whole" => changed(|commit| commit.parked.clear()),
        "a_batch_for_another_checkpoint_is_refused_whole" => {
            hook(|store: Sound, (id, commit): Committing| async move {
                let outcome = store.commit(&id, commit.clone()).await;
                if let (Err(_), Some(checkpoint)) = (&outcome, store.checkpoint(&id).await?) {
                    let expected = checkpoint.position;
                    store.commit(&id, Commit { expected, checkpoint, ..commit }).await?;
                }
                outcome
            })
        }
        "a_batch_delivered_twice_changes_nothing" => {
            hook(|store: Sound, (id, mut commit): Committing| async move {
                let at = position(&store, &id).await;
                if at == commit.checkpoint.position {
                    commit.expected = at;
                }
                store.commit(&id, commit).await
            })
        }
        "of_racing_batches_on_one_checkpoint_just_one_wins" => {
            hook(|store: Sound, (id, commit): Committing| async move {
                let goal = commit.checkpoint.position;
                match store.commit(&id, commit).await {
                    // Somebody else has come to the same position.
                    Err(CommitError::Superseded { actual, .. }) if actual == goal => Ok(()),
                    outcome => outcome,
                }
            })
        }
        "a_dropped_batch_is_written_whole_or_not_at_all" => {
            hook(|store: Sound, (id, mut commit): Committing| async move {
                let rest = commit.documents.split_off(1);
                let (checkpoint, expected) = (commit.checkpoint, commit.checkpoint.position);
                store.commit(&id, commit).await?;
                let_others_run().await;
                store.commit(&id, Commit { documents: rest, ..Commit::of(expected, checkpoint) }).await
            })
        }
        "an_oversized_document_is_named_and_nothing_is_written" => {
            hook(|store: Sound, (id, mut commit): Committing| async move {
                match store.commit(&id, commit.clone()).await {
                    Err(CommitError::TooLarge { key, .. }) => {
                        for write in commit.documents.iter_mut().filter(|write| write.key == key) {
                            if let Change::Put { data, .. } = &mut write.change {
                                *data = Json::of("cut").unwrap().into();
                            }
                        }
                        store.commit(&id, commit).await
                    }
                    other => other,
                }
            })
        }
        "a_batch_may_be_large" => hook(|store: Sound, (id, commit): Committing| async move {
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
            hook(|store: Sound, (id, commit): Committing| async move {
                if commit.documents.is_empty() { Ok(()) } else { store.commit(&id, commit).await }
            })
        }
        "a_batch_with_an_older_fence_is_refused_whole" => {
            hook(|store: Sound, (id, mut commit): Committing| async move {
                match store.commit(&id, commit.clone()).await {
                    // As where nobody looks at it.
                    Err(CommitError::Fenced { newest, .. }) => {
                        commit.checkpoint.fence = newest;
                        store.commit(&id, commit).await
                    }
                    outcome => outcome,
                }
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
        "moments_are_held_to_the_millisecond" => changed(|commit| {
            for write in &mut commit.documents {
                if let Change::Put { data, indexes } = &mut write.change {
                    if let Data::Tree(tree) = data {
                        cut_moments(tree);
                    }
                    for index in indexes {
                        if let IndexValue::Time(time) = index {
                            *time = in_seconds(*time);
                        }
                    }
                }
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
            // The last one of a key stands, so that the batch is still one that a store takes.
            let mut seen = HashSet::new();
            commit.documents.reverse();
            commit.documents.retain(|write| seen.insert(write.key.clone()));
            commit.documents.reverse();
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
        "a_letter_that_is_parked_again_takes_the_place_of_the_old_one" => {
            hook(|store: Sound, (id, mut commit): Committing| async move {
                let known = store.dead_letters(&id, None, Position::ZERO, usize::MAX).await?;
                commit.parked.retain(|letter| {
                    !known
                        .iter()
                        .any(|known| (known.position, &known.sequence) == (letter.position, &letter.sequence))
                });
                store.commit(&id, commit).await
            })
        }
        // Of an event in several sequences, all letters go with the first one.
        "resolved_letters_are_gone" => hook(|store: Sound, (id, mut commit): Committing| async move {
            let known = store.dead_letters(&id, None, Position::ZERO, usize::MAX).await?;
            let places: Vec<Position> = commit.resolved.iter().map(|(_, position)| *position).collect();
            let all = known.into_iter().filter(|letter| places.contains(&letter.position));
            commit.resolved = all.map(|letter| (letter.sequence, letter.position)).collect();
            store.commit(&id, commit).await
        }),
        _ => None,
    }
}
