use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    memory::MemoryEventStore,
    store::{Append, AppendError, AppendOutcome, Appended, Condition, Error, EventFilter, EventStore, Past},
};
use cqrs_testkit::tokio::task::yield_now;

use super::version;
use crate::{event_store::Broken, hook::hook};

type Outcome = Result<AppendOutcome, AppendError>;

fn appended(outcome: Outcome, change: impl FnOnce(&mut Appended)) -> Outcome {
    outcome.map(|outcome| match outcome {
        AppendOutcome::Appended(mut appended) => {
            change(&mut appended);
            AppendOutcome::Appended(appended)
        }
        repeated @ AppendOutcome::Repeated(_) => repeated,
    })
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
    let second = Append {
        conditions: vec![],
        past: Past::UNKNOWN,
        events: rest,
        metadata: append.metadata.clone(),
        command: None,
    };
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

/// Stores that break the rule where they append.
pub(super) fn appending(rule: &str) -> Option<Broken> {
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
                store
                    .append(Append {
                        conditions: vec![],
                        past: Past::UNKNOWN,
                        events: lost,
                        command: None,
                        ..append
                    })
                    .await?;
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
                    past: Past::UNKNOWN,
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
                    .append(Append {
                        conditions: vec![],
                        past: Past::UNKNOWN,
                        events: vec![],
                        metadata,
                        command: Some(record),
                    })
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
                    store
                        .append(Append { conditions: vec![], past: Past::UNKNOWN, events: vec![], ..append })
                        .await?;
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
