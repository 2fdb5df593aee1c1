use std::{
    collections::HashSet,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use cqrs_core::{
    envelope::{EventId, Json, LogId, Position, RecordedEvent, StreamId, Version},
    memory::MemoryEventStore,
    store::{
        Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, Error, EventFilter,
        EventStore, Load, LogPage, RecordedCommand, Selector, StreamRead,
    },
};
use cqrs_testkit::{
    conformance::Stores,
    tokio::{sync::watch, task::yield_now},
};
use uuid::Uuid;

use super::Broken;
use crate::hook::hook;

type Outcome = Result<AppendOutcome, AppendError>;

/// Stores that break the rule.
pub(crate) fn breaking(rule: &str) -> Option<Stores<dyn EventStore>> {
    let rule = rule.to_owned();
    if opening(&rule, &MemoryEventStore::new(), 0).is_some() {
        return Some(Stores::<dyn EventStore>::new(move || {
            let (rule, data, opened) = (rule.clone(), MemoryEventStore::new(), AtomicUsize::new(0));
            move || ready(opening(&rule, &data, opened.fetch_add(1, Ordering::SeqCst)).unwrap())
        }));
    }
    broken(&rule)?;
    Some(Stores::<dyn EventStore>::new(move || {
        let store = broken(&rule).unwrap();
        move || ready(store.clone())
    }))
}

/// Faults of one handle against another.
fn opening(rule: &str, data: &MemoryEventStore, opened: usize) -> Option<Broken> {
    let sound = data.clone();
    Some(match rule {
        "a_watcher_is_woken_by_another_handle" => {
            let (own, watch) = watch::channel(Position::ZERO);
            let append = hook(move |store: MemoryEventStore, append| {
                let own = own.clone();
                async move {
                    let outcome = store.append(append).await;
                    own.send_replace(store.head().await.unwrap());
                    outcome
                }
            });
            Broken { sound, append, watch: Some(watch), ..Broken::default() }
        }
        // The second handle does not see what the first one appends.
        "handles_on_the_same_data_are_one_log" | "what_was_appended_survives_reopening" => {
            Broken { log_id: Some(|| LogId::from_uuid(Uuid::from_u128(1))), ..Broken::default() }
        }
        "commands_survive_reopening" if opened == 0 => Broken { sound, ..Broken::default() },
        "commands_survive_reopening" => {
            Broken { sound, command: hook(|_, _| ready(Ok(None))), ..Broken::default() }
        }
        _ => return None,
    })
}

fn broken(rule: &str) -> Option<Broken> {
    appending(rule).or_else(|| reading(rule))
}

fn appended(outcome: Outcome, change: impl FnOnce(&mut Appended)) -> Outcome {
    outcome.map(|outcome| match outcome {
        AppendOutcome::Appended(mut appended) => {
            change(&mut appended);
            AppendOutcome::Appended(appended)
        }
        repeated @ AppendOutcome::Repeated(_) => repeated,
    })
}

async fn version(store: &MemoryEventStore, stream: &StreamId) -> Version {
    let events = store.read_stream(stream, StreamRead::Before(None), 1).await.unwrap();
    events.first().map(|event| event.version).unwrap_or_default()
}

/// The first condition that does not hold now.
async fn unmet(store: &MemoryEventStore, append: &Append) -> Option<AppendError> {
    for condition in &append.conditions {
        let Condition::Version { stream, expected } = condition.clone() else { continue };
        let actual = version(store, &stream).await;
        if actual != expected {
            return Some(AppendError::Conflict { stream, expected, actual });
        }
    }
    None
}

async fn known_ids(store: &MemoryEventStore) -> HashSet<EventId> {
    let log = store.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.unwrap();
    log.events.into_iter().map(|event| event.event_id).collect()
}

/// Writes the events of an append in two goes.
async fn in_halves(store: MemoryEventStore, mut append: Append) -> Outcome {
    if append.events.len() < 2 {
        return store.append(append).await;
    }
    let rest = append.events.split_off(1);
    let second =
        Append { conditions: vec![], events: rest, metadata: append.metadata.clone(), command: None };
    match store.append(append).await? {
        AppendOutcome::Appended(mut first) => {
            yield_now().await;
            yield_now().await;
            let AppendOutcome::Appended(second) = store.append(second).await? else { unreachable!() };
            first.events.extend(second.events);
            Ok(AppendOutcome::Appended(Appended { events: first.events, ..second }))
        }
        repeated @ AppendOutcome::Repeated(_) => Ok(repeated),
    }
}

#[allow(clippy::too_many_lines)]
fn appending(rule: &str) -> Option<Broken> {
    let append = match rule {
        "events_are_read_back_as_they_were_appended" => {
            hook(|store: MemoryEventStore, mut append: Append| {
                append.metadata.tenant = None;
                async move { store.append(append).await }
            })
        }
        "a_failed_append_leaves_no_hole" => hook(|store: MemoryEventStore, append: Append| async move {
            let mut lost = append.events.clone();
            let outcome = store.append(append.clone()).await;
            if outcome.is_err() {
                for event in &mut lost {
                    event.event_id = EventId::generate();
                    event.stream = StreamId::new("hole", "hole").unwrap();
                }
                store.append(Append { conditions: vec![], events: lost, command: None, ..append }).await?;
            }
            outcome
        }),
        "an_append_writes_all_of_its_streams" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                if let Some(first) = append.events.first().map(|event| event.stream.clone()) {
                    append.events.retain(|event| event.stream == first);
                }
                store.append(append).await
            })
        }
        "a_failed_condition_writes_nothing_at_all" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                let half = Append {
                    conditions: vec![],
                    events: append.events.iter().take(1).cloned().collect(),
                    command: None,
                    metadata: append.metadata.clone(),
                };
                let outcome = store.append(append).await;
                if outcome.is_err() {
                    store.append(half).await?;
                }
                outcome
            })
        }
        "a_conflict_names_expected_and_actual_version" => {
            hook(|store: MemoryEventStore, append| async move {
                store.append(append).await.map_err(|error| match error {
                    AppendError::Conflict { stream, expected, actual } => {
                        AppendError::Conflict { stream, expected: actual, actual: expected }
                    }
                    other => other,
                })
            })
        }
        "a_condition_holds_for_a_stream_that_gets_no_events" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                let written: Vec<StreamId> = append.events.iter().map(|event| event.stream.clone()).collect();
                append.conditions.retain(
                    |condition| matches!(condition, Condition::Version { stream, .. } if written.contains(stream)),
                );
                store.append(append).await
            })
        }
        "an_append_without_conditions_always_fits" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                if append.conditions.is_empty() {
                    let new = |stream: &StreamId| Condition::Version {
                        stream: stream.clone(),
                        expected: Version::ZERO,
                    };
                    append.conditions = append.events.iter().map(|event| new(&event.stream)).collect();
                }
                store.append(append).await
            })
        }
        "an_append_of_nothing_changes_nothing" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                let nothing = append.events.is_empty();
                let outcome = store.append(append).await;
                let past = |appended: &mut Appended| appended.position = appended.position.plus(1);
                if nothing { appended(outcome, past) } else { outcome }
            })
        }
        "recorded_times_are_the_stores_own_and_never_go_back" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                let time = append.metadata.time;
                appended(store.append(append).await, |appended| appended.time = time)
            })
        }
        "a_repeated_command_adds_nothing_and_gets_the_first_answer" => {
            hook(|store: MemoryEventStore, append| async move {
                let mut outcome = store.append(append).await;
                if let Ok(AppendOutcome::Repeated(known)) = &mut outcome {
                    known.position = store.head().await.unwrap();
                }
                outcome
            })
        }
        "racing_repeats_of_a_command_append_once" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                let Some(record) = append.command.take() else { return store.append(append).await };
                if let Some(known) = store.command(record.id).await.unwrap() {
                    return Ok(AppendOutcome::Repeated(Box::new(known)));
                }
                yield_now().await;
                let metadata = append.metadata.clone();
                let outcome = store.append(append).await;
                store
                    .append(Append { conditions: vec![], events: vec![], metadata, command: Some(record) })
                    .await?;
                outcome
            })
        }
        "a_command_without_events_is_remembered" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                append.command = append.command.filter(|_| !append.events.is_empty());
                store.append(append).await
            })
        }
        "the_answer_of_a_command_is_remembered" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                if let Some(answer) = append.command.as_mut().and_then(|record| record.answer.as_mut()) {
                    answer.truncate(1000);
                }
                store.append(append).await
            })
        }
        "a_known_command_wins_over_conditions" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                match unmet(&store, &append).await {
                    Some(error) => Err(error),
                    None => store.append(append).await,
                }
            })
        }
        "a_known_command_wins_over_known_event_ids" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                let known = known_ids(&store).await;
                match append.events.iter().find(|event| known.contains(&event.event_id)) {
                    Some(event) => Err(AppendError::DuplicateEventId { event_id: event.event_id }),
                    None => store.append(append).await,
                }
            })
        }
        "a_command_that_failed_is_not_remembered" => {
            hook(|store: MemoryEventStore, append: Append| async move {
                let outcome = store.append(append.clone()).await;
                if outcome.is_err() {
                    store.append(Append { conditions: vec![], events: vec![], ..append }).await?;
                }
                outcome
            })
        }
        "a_known_event_id_is_refused" => hook(|store: MemoryEventStore, mut append: Append| async move {
            let known = known_ids(&store).await;
            append.events.retain(|event| !known.contains(&event.event_id));
            store.append(append).await
        }),
        "an_event_id_given_twice_is_refused" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                let mut seen = HashSet::new();
                append.events.retain(|event| seen.insert(event.event_id));
                store.append(append).await
            })
        }
        "a_refused_append_leaves_its_neighbours_alone" => {
            let failed = Arc::new(AtomicBool::new(false));
            hook(move |store: MemoryEventStore, append| {
                let failed = Arc::clone(&failed);
                async move {
                    if failed.swap(false, Ordering::SeqCst) {
                        return Err(Error::unavailable("appends with a failed neighbour", "no").into());
                    }
                    let outcome = store.append(append).await;
                    failed.store(outcome.is_err(), Ordering::SeqCst);
                    outcome
                }
            })
        }
        "of_racing_appends_on_one_version_just_one_wins" => {
            hook(|store: MemoryEventStore, mut append: Append| async move {
                if let Some(error) = unmet(&store, &append).await {
                    return Err(error);
                }
                yield_now().await;
                append.conditions.clear();
                store.append(append).await
            })
        }
        "a_reader_never_sees_half_an_append" | "a_dropped_append_happens_whole_or_not_at_all" => {
            hook(in_halves)
        }
        "names_are_taken_literally" => hook(|store: MemoryEventStore, mut append: Append| async move {
            for event in &mut append.events {
                event.stream = StreamId::new(event.stream.category(), event.stream.id().trim()).unwrap();
            }
            store.append(append).await
        }),
        _ => return None,
    };
    Some(Broken { append, ..Broken::default() })
}

fn in_events(page: Result<LogPage, Error>, change: impl FnMut(&mut RecordedEvent)) -> Result<LogPage, Error> {
    page.map(|mut page| {
        page.events.iter_mut().for_each(change);
        page
    })
}

type ReadLog = (Position, EventFilter, usize);
type ReadStream = (StreamId, StreamRead, usize);

#[allow(clippy::too_many_lines)]
fn reading(rule: &str) -> Option<Broken> {
    let mut broken = Broken::default();
    match rule {
        "an_oversized_event_is_refused" => broken.sound = broken.sound.max_event_bytes(usize::MAX),
        "too_many_events_are_refused" => broken.sound = broken.sound.max_append_events(usize::MAX),
        "versions_of_a_stream_are_consecutive_from_one" => {
            broken.read_stream =
                hook(|store: MemoryEventStore, (stream, read, limit): ReadStream| async move {
                    let mut events = store.read_stream(&stream, read, limit).await?;
                    for event in &mut events {
                        event.version = Version::new(event.position.get());
                    }
                    Ok(events)
                });
        }
        "positions_are_consecutive_from_one" => {
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let page = store.read_log(after, &filter, limit).await;
                in_events(page, |event| event.position = Position::new(event.position.get() * 2))
            });
        }
        "recorded_events_never_change" => {
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let head = store.head().await?;
                let page = store.read_log(after, &filter, limit).await;
                in_events(page, |event| event.data = Json::of(&head).unwrap())
            });
        }
        "a_reader_of_the_tail_misses_nothing" => {
            // As where positions are drawn before the commit: the event before the last one shows up late.
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                let count = page.events.len();
                if count > 1 && page.events[count - 1].position == page.head {
                    page.events.remove(count - 2);
                }
                Ok(page)
            });
        }
        "a_load_is_of_one_moment" => {
            broken.load = hook(|store: MemoryEventStore, load: super::broken::OwnedLoad| async move {
                let mut loaded = store.load(load.load()).await?;
                yield_now().await;
                loaded.head = store.head().await?;
                Ok(loaded)
            });
        }
        "a_command_is_found_with_its_events" => {
            broken.command = hook(|store: MemoryEventStore, id| async move {
                let mut known = store.command(id).await?;
                if let Some(known) = &mut known {
                    known.events.retain(|event| event.stream == known.record.stream);
                }
                Ok(known)
            });
        }
        "an_unknown_command_is_not_found" => {
            broken.command = hook(|store: MemoryEventStore, id| async move {
                let log = store.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await?;
                let of_command = log.events.into_iter().find(|event| event.metadata.command_id == id);
                Ok(of_command.map(|event| RecordedCommand {
                    record: CommandRecord {
                        id,
                        fingerprint: Uuid::nil(),
                        stream: event.stream.clone(),
                        answer: None,
                    },
                    version: event.version,
                    position: event.position,
                    events: vec![event],
                }))
            });
        }
        "a_stream_is_read_forwards_in_pages" => {
            broken.read_stream =
                hook(|store: MemoryEventStore, (stream, read, limit): ReadStream| async move {
                    let read = match read {
                        StreamRead::After(version) => {
                            StreamRead::After(Version::new(version.get().saturating_sub(1)))
                        }
                        before @ StreamRead::Before(_) => before,
                    };
                    store.read_stream(&stream, read, limit).await
                });
        }
        "a_stream_is_read_backwards_in_pages" => {
            broken.read_stream =
                hook(|store: MemoryEventStore, (stream, read, limit): ReadStream| async move {
                    let read = match read {
                        StreamRead::Before(Some(version)) => StreamRead::Before(Some(version.plus(1))),
                        other => other,
                    };
                    store.read_stream(&stream, read, limit).await
                });
        }
        "a_missing_stream_is_empty" => {
            broken.read_stream =
                hook(|store: MemoryEventStore, (stream, read, limit): ReadStream| async move {
                    if version(&store, &stream).await == Version::ZERO {
                        return Err(Error::invalid("no such stream"));
                    }
                    store.read_stream(&stream, read, limit).await
                });
        }
        "the_log_is_read_in_pages" => {
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                page.head = page.through;
                Ok(page)
            });
        }
        "a_filter_picks_just_its_events" => {
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let whole = |selector: Selector| Selector { names: None, ..selector };
                let any_of = filter.any_of.map(|selectors| selectors.into_iter().map(whole).collect());
                store.read_log(after, &EventFilter { any_of }, limit).await
            });
        }
        "a_filtered_page_says_how_far_it_has_looked" => {
            broken.read_log = hook(|store: MemoryEventStore, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                page.through = page.events.last().map_or(after, |event| event.position);
                Ok(page)
            });
        }
        "the_head_is_the_last_position" => {
            broken.head = hook(|store: MemoryEventStore, ()| async move { Ok(store.head().await?.plus(1)) });
        }
        "a_load_with_a_snapshot_has_only_the_events_after_it" => {
            broken.load = hook(|store: MemoryEventStore, load: super::broken::OwnedLoad| async move {
                let snapshot = store.load(load.load()).await?.snapshot;
                let whole = Load { snapshot: None, ..load.load() };
                let mut loaded = store.load(whole).await?;
                loaded.snapshot = snapshot;
                Ok(loaded)
            });
        }
        "a_load_ignores_a_snapshot_of_another_shape" => {
            broken.load = hook(|store: MemoryEventStore, mut load: super::broken::OwnedLoad| async move {
                load.snapshot = load.snapshot.map(|_| 1);
                store.load(load.load()).await
            });
        }
        "a_random_history_equals_a_list" => {
            broken.read_stream =
                hook(|store: MemoryEventStore, (stream, read, limit): ReadStream| async move {
                    let limit = if limit == 3 { 2 } else { limit };
                    store.read_stream(&stream, read, limit).await
                });
        }
        "a_watcher_is_woken_by_an_append" => {
            let (silent, watch) = watch::channel(Position::ZERO);
            broken.head = hook(move |store: MemoryEventStore, ()| {
                // Open for as long as the store is, but nobody sends.
                let _ = &silent;
                async move { store.head().await }
            });
            broken.watch = Some(watch);
        }
        "a_log_keeps_its_identity" => broken.log_id = Some(LogId::generate),
        "each_log_has_an_identity_of_its_own" => {
            broken.log_id = Some(|| LogId::from_uuid(Uuid::from_u128(1)));
        }
        _ => return None,
    }
    Some(broken)
}
