use cqrs_core::{
    envelope::{EventId, StreamId, Version},
    store::{Append, AppendError, AppendOutcome, Appended, Condition, Past},
};

use super::{Outcome, unmet};
use crate::{
    event_store::{Faults, Sound},
    hook::{hook, let_others_run},
};

fn appended(outcome: Outcome, change: impl FnOnce(&mut Appended)) -> Outcome {
    outcome.map(|outcome| match outcome {
        AppendOutcome::Appended(mut appended) => {
            change(&mut appended);
            AppendOutcome::Appended(appended)
        }
        repeated @ AppendOutcome::Repeated(_) => repeated,
    })
}

/// Writes the events of an append in two goes.
async fn in_halves(store: Sound, mut append: Append) -> Outcome {
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
            let_others_run().await;
            let AppendOutcome::Appended(second) = store.append(second).await? else { unreachable!() };
            first.events.extend(second.events);
            Ok(AppendOutcome::Appended(Appended { events: first.events, ..second }))
        }
        repeated @ AppendOutcome::Repeated(_) => Ok(repeated),
    }
}

/// Stores that break the rule where they append.
pub(super) fn appending(rule: &str) -> Option<Faults> {
    let append = match rule {
        "events_are_read_back_as_they_were_appended" => hook(|store: Sound, mut append: Append| {
            append.metadata.tenant = None;
            async move { store.append(append).await }
        }),
        "a_failed_append_leaves_no_hole" => hook(|store: Sound, append: Append| async move {
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
        "an_append_writes_all_of_its_streams" => hook(|store: Sound, mut append: Append| async move {
            if let Some(first) = append.events.first().map(|event| event.stream.clone()) {
                append.events.retain(|event| event.stream == first);
            }
            store.append(append).await
        }),
        "a_failed_condition_writes_nothing_at_all" => hook(|store: Sound, append: Append| async move {
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
        }),
        "a_conflict_is_met_whatever_past_a_condition_rests_on" => {
            hook(|store: Sound, mut append: Append| async move {
                if std::mem::take(&mut append.past).is_known() {
                    append.conditions.clear();
                }
                appended(store.append(append).await, |appended| appended.past = Past::begin())
            })
        }
        "what_rests_on_another_past_is_refused" => hook(|store: Sound, append: Append| async move {
            let append = Append { past: Past::UNKNOWN, ..append };
            appended(store.append(append).await, |appended| appended.past = Past::begin())
        }),
        "a_conflict_names_expected_and_actual_version" => hook(|store: Sound, append| async move {
            store.append(append).await.map_err(|error| match error {
                AppendError::Conflict { stream, expected, actual } => {
                    AppendError::Conflict { stream, expected: actual, actual: expected }
                }
                other => other,
            })
        }),
        "a_condition_holds_for_a_stream_that_gets_no_events" => {
            hook(|store: Sound, mut append: Append| async move {
                let written: Vec<StreamId> = append.events.iter().map(|event| event.stream.clone()).collect();
                append.conditions.retain(
                    |condition| matches!(condition, Condition::Version { stream, .. } if written.contains(stream)),
                );
                store.append(append).await
            })
        }
        "an_append_without_conditions_always_fits" => hook(|store: Sound, mut append: Append| async move {
            if append.conditions.is_empty() {
                let new = |stream: &StreamId| Condition::Version {
                    stream: stream.clone(),
                    expected: Version::ZERO,
                };
                append.conditions = append.events.iter().map(|event| new(&event.stream)).collect();
            }
            store.append(append).await
        }),
        "an_append_of_nothing_changes_nothing" => hook(|store: Sound, append: Append| async move {
            let nothing = append.events.is_empty();
            let outcome = store.append(append).await;
            let past = |appended: &mut Appended| appended.position = appended.position.plus(1);
            if nothing { appended(outcome, past) } else { outcome }
        }),
        "recorded_times_are_the_stores_own_and_never_go_back" => {
            hook(|store: Sound, append: Append| async move {
                let time = append.metadata.time;
                appended(store.append(append).await, |appended| appended.time = time)
            })
        }
        "of_racing_appends_on_one_version_just_one_wins" => {
            hook(|store: Sound, mut append: Append| async move {
                if let Some(error) = unmet(&store, &append).await {
                    return Err(error);
                }
                let_others_run().await;
                append.conditions.clear();
                store.append(append).await
            })
        }
        "a_reader_never_sees_half_an_append" | "a_dropped_append_happens_whole_or_not_at_all" => {
            hook(in_halves)
        }
        "names_are_taken_literally" => hook(|store: Sound, mut append: Append| async move {
            for event in &mut append.events {
                event.stream = StreamId::new(event.stream.category(), event.stream.id().trim()).unwrap();
            }
            store.append(append).await
        }),
        _ => return None,
    };
    Some(Faults { append, ..Faults::default() })
}
