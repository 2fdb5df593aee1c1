use cqrs_core::store::{Append, AppendError, AppendOutcome, Past};

use super::{known_ids, unmet};
use crate::{
    event_store::{Faults, Sound},
    hook::{hook, let_others_run},
};

/// Stores that break the rule where an append is of a command.
pub(super) fn commands(rule: &str) -> Option<Faults> {
    let append = match rule {
        "a_repeated_command_adds_nothing_and_gets_the_first_answer" => {
            hook(|store: Sound, append| async move {
                let mut outcome = store.append(append).await;
                if let Ok(AppendOutcome::Repeated(known)) = &mut outcome {
                    known.position = store.head().await.unwrap();
                }
                outcome
            })
        }
        "racing_repeats_of_a_command_append_once" => hook(|store: Sound, mut append: Append| async move {
            let Some(record) = append.command.take() else { return store.append(append).await };
            if let Some(known) = store.command(record.id).await.unwrap() {
                return Ok(AppendOutcome::Repeated(Box::new(known)));
            }
            let_others_run().await;
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
        }),
        "a_command_without_events_is_remembered" => hook(|store: Sound, mut append: Append| async move {
            append.command = append.command.filter(|_| !append.events.is_empty());
            store.append(append).await
        }),
        "the_answer_of_a_command_is_remembered" => hook(|store: Sound, mut append: Append| async move {
            if let Some(answer) = append.command.as_mut().and_then(|record| record.answer.as_mut()) {
                answer.truncate(1000);
            }
            store.append(append).await
        }),
        "a_known_command_wins_over_conditions" => hook(|store: Sound, append: Append| async move {
            match unmet(&store, &append).await {
                Some(error) => Err(error),
                None => store.append(append).await,
            }
        }),
        "a_known_command_wins_over_known_event_ids" => hook(|store: Sound, append: Append| async move {
            let known = known_ids(&store).await;
            match append.events.iter().find(|event| known.contains(&event.event_id)) {
                Some(event) => Err(AppendError::DuplicateEventId { event_id: event.event_id }),
                None => store.append(append).await,
            }
        }),
        "a_command_that_failed_is_not_remembered" => hook(|store: Sound, append: Append| async move {
            let outcome = store.append(append.clone()).await;
            if outcome.is_err() {
                store
                    .append(Append { conditions: vec![], past: Past::UNKNOWN, events: vec![], ..append })
                    .await?;
            }
            outcome
        }),
        _ => return None,
    };
    Some(Faults { append, ..Faults::default() })
}
