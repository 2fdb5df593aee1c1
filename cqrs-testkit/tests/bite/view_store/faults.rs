use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    future::ready,
    sync::{Arc, Mutex},
};

use cqrs_core::{
    domain::IndexValue,
    envelope::{Json, Position},
    memory::MemoryViewStore,
    store::{
        After, Change, Checkpoint, Commit, CommitError, Comparison, Direction, Error, Filter, Find, OrderBy,
        ProjectionId, ProjectionSpec, Read, Reason, StoredDocument, ViewStore,
    },
};
use cqrs_testkit::{
    conformance::Stores,
    tokio::{sync::watch, task::yield_now},
};
use jiff::Timestamp;

use super::Broken;
use crate::hook::{Hook, hook};

/// Stores that break the rule.
pub(crate) fn breaking(rule: &str) -> Option<Stores<dyn ViewStore>> {
    let rule = rule.to_owned();
    if opening(&rule, &MemoryViewStore::new()).is_some() {
        return Some(Stores::<dyn ViewStore>::new(move || {
            let (rule, data) = (rule.clone(), MemoryViewStore::new());
            move || ready(opening(&rule, &data).unwrap())
        }));
    }
    broken(&rule)?;
    Some(Stores::<dyn ViewStore>::new(move || {
        let store = broken(&rule).unwrap();
        move || ready(store.clone())
    }))
}

/// Faults of one handle against another.
fn opening(rule: &str, data: &MemoryViewStore) -> Option<Broken> {
    Some(match rule {
        "a_watcher_is_woken_by_another_handle" => {
            let (own, watch) = watch::channel(None);
            let commit = hook(move |store: MemoryViewStore, (id, commit): Committing| {
                let own = own.clone();
                async move {
                    let outcome = store.commit(&id, commit).await;
                    own.send_replace(store.checkpoint(&id).await?);
                    outcome
                }
            });
            Broken { sound: data.clone(), commit, watch: Some(watch), ..Broken::default() }
        }
        // The second handle does not see what the first one writes.
        "handles_on_the_same_data_are_one_store" | "what_was_written_survives_reopening" => Broken::default(),
        _ => return None,
    })
}

type Committing = (ProjectionId, Commit);
type Finding = (ProjectionId, Find);
type Found = Result<Read<Vec<StoredDocument>>, Error>;

fn broken(rule: &str) -> Option<Broken> {
    if let Some(commit) = committing(rule) {
        return Some(Broken { commit: Some(commit), ..Broken::default() });
    }
    if let Some(find) = finding(rule) {
        return Some(Broken { find: Some(find), ..Broken::default() });
    }
    preparing(rule).or_else(|| reading(rule))
}

/// Changes each batch before it is written.
fn changed(
    change: impl Fn(&mut Commit) + Send + Sync + 'static,
) -> Option<Hook<MemoryViewStore, Committing, Result<(), CommitError>>> {
    let change = Arc::new(change);
    hook(move |store: MemoryViewStore, (id, mut commit): Committing| {
        change(&mut commit);
        async move { store.commit(&id, commit).await }
    })
}

/// Changes each indexed value before it is written.
fn indexing(
    change: fn(&mut IndexValue),
) -> Option<Hook<MemoryViewStore, Committing, Result<(), CommitError>>> {
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
fn dropping_puts_over(
    there: fn(&StoredDocument) -> bool,
) -> Option<Hook<MemoryViewStore, Committing, Result<(), CommitError>>> {
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

fn committing(rule: &str) -> Option<Hook<MemoryViewStore, Committing, Result<(), CommitError>>> {
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
                    *data = Json::from_text(data.as_str().split(' ').collect()).unwrap();
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

/// Changes each look-up.
fn asking(change: fn(&mut Find)) -> Option<Hook<MemoryViewStore, Finding, Found>> {
    hook(move |store: MemoryViewStore, (id, mut find): Finding| async move {
        change(&mut find);
        store.find(&id, &find).await
    })
}

/// Changes what each look-up finds.
fn answering(change: fn(&Find, &mut Vec<StoredDocument>)) -> Option<Hook<MemoryViewStore, Finding, Found>> {
    hook(move |store: MemoryViewStore, (id, find): Finding| async move {
        let mut found = store.find(&id, &find).await?;
        change(&find, &mut found.value);
        Ok(found)
    })
}

fn finding(rule: &str) -> Option<Hook<MemoryViewStore, Finding, Found>> {
    match rule {
        "documents_are_found_by_one_of_several_values" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::OneOf(values) = &mut filter.comparison {
                    values.truncate(1);
                }
            }
        }),
        "null_equals_null" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::OneOf(values) = &mut filter.comparison {
                    values.retain(|value| *value != IndexValue::Null);
                }
            }
        }),
        "documents_are_found_within_a_range" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::Within { to: Some(IndexValue::Int(to)), .. } = &mut filter.comparison {
                    *to += 1;
                }
            }
        }),
        "a_value_of_another_type_is_never_within" => {
            hook(|store: MemoryViewStore, (id, mut find): Finding| async move {
                let mut found = store.find(&id, &find).await?;
                if let [Filter { comparison: comparison @ Comparison::Within { from: None, .. }, .. }] =
                    &mut *find.filters
                {
                    // As where null comes before every number.
                    *comparison = Comparison::OneOf(vec![IndexValue::Null]);
                    found.value.extend(store.find(&id, &find).await?.value);
                }
                Ok(found)
            })
        }
        "all_filters_have_to_hold" => asking(|find| find.filters.truncate(1)),
        "an_undeclared_index_is_refused" => hook(|store: MemoryViewStore, (id, find): Finding| async move {
            match store.find(&id, &find).await {
                Err(Error::Invalid { .. }) => Ok(Read { value: vec![], checkpoint: None }),
                other => other,
            }
        }),
        "a_random_history_equals_a_map" => asking(|find| find.direction = Direction::Ascending),
        "documents_are_sorted_by_their_creation" => answering(|find, found| {
            if find.order == OrderBy::Created {
                found.sort_by_key(|document| document.applied);
                found.sort_by(|a, b| a.key.cmp(&b.key));
            }
        }),
        "documents_are_sorted_by_an_index_of_any_types" => answering(|find, found| {
            if find.order != OrderBy::Created && !found.is_empty() {
                found.rotate_left(1);
            }
        }),
        "ties_are_sorted_by_key" => answering(|find, found| {
            if find.direction == Direction::Descending {
                found.sort_by_key(|document| (Reverse(document.created), document.key.clone()));
            }
        }),
        "pages_follow_each_other_without_gap" => asking(|find| {
            // All documents with the value of the last one are passed over.
            if let Some(After::Created(_, key) | After::Index(_, key)) = &mut find.after {
                *key = if find.direction == Direction::Ascending {
                    char::MAX.to_string()
                } else {
                    String::new()
                };
            }
        }),
        "pages_hold_while_documents_change" => {
            // Pages by number.
            let seen: Arc<Mutex<HashMap<ProjectionId, usize>>> = Arc::default();
            hook(move |store: MemoryViewStore, (id, find): Finding| {
                let seen = Arc::clone(&seen);
                async move {
                    let offset = match find.after {
                        None => 0,
                        Some(_) => seen.lock().unwrap().get(&id).copied().unwrap_or_default(),
                    };
                    let whole = Find { after: None, limit: usize::MAX, ..find.clone() };
                    let mut found = store.find(&id, &whole).await?;
                    found.value = found.value.into_iter().skip(offset).take(find.limit).collect();
                    seen.lock().unwrap().insert(id, offset + found.value.len());
                    Ok(found)
                }
            })
        }
        _ => None,
    }
}

/// What was prepared before, and is prepared now.
type Preparing = fn(
    Option<ProjectionSpec>,
    ProjectionSpec,
    MemoryViewStore,
) -> cqrs_core::store::BoxFuture<'static, Result<(), Error>>;

fn preparing(rule: &str) -> Option<Broken> {
    let prepare: Preparing = match rule {
        "preparing_again_changes_nothing" => |known, spec, store| {
            Box::pin(async move {
                if known.is_some() {
                    return Err(Error::invalid("the table exists"));
                }
                store.prepare(&spec).await
            })
        },
        "an_index_declared_anew_over_documents_is_refused" => |_, spec, store| {
            Box::pin(async move {
                match store.prepare(&spec).await {
                    Err(Error::Invalid { .. }) => Ok(()),
                    other => other,
                }
            })
        },
        "an_index_is_added_while_there_are_no_documents" => |known, spec, store| {
            Box::pin(async move {
                if known.is_some_and(|known| known.indexes.len() < spec.indexes.len()) {
                    return Err(Error::invalid("an index is new"));
                }
                store.prepare(&spec).await
            })
        },
        "an_index_that_is_declared_no_more_is_dropped" => |known, mut spec, store| {
            Box::pin(async move {
                let kept = known.map(|known| known.indexes).unwrap_or_default();
                let dropped: Vec<_> =
                    kept.into_iter().filter(|index| !spec.indexes.contains(index)).collect();
                spec.indexes.extend(dropped);
                store.prepare(&spec).await
            })
        },
        "indexes_may_change_their_order" => |known, spec, store| {
            Box::pin(async move {
                let names = |spec: &ProjectionSpec| -> BTreeSet<&str> {
                    spec.indexes.iter().map(|index| index.name).collect()
                };
                if known.is_some_and(|known| names(&known) == names(&spec)) {
                    return Ok(());
                }
                store.prepare(&spec).await
            })
        },
        _ => return None,
    };
    let known: Arc<Mutex<HashMap<ProjectionId, ProjectionSpec>>> = Arc::default();
    let prepare = hook(move |store: MemoryViewStore, spec: ProjectionSpec| {
        let before = known.lock().unwrap().insert(spec.id.clone(), spec.clone());
        prepare(before, spec, store)
    });
    Some(Broken { prepare, ..Broken::default() })
}

fn reading(rule: &str) -> Option<Broken> {
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
