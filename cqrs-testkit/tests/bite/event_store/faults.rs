mod appending;
mod commands;
mod limits;
mod reading;

use std::{
    collections::HashSet,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cqrs_core::{
    envelope::{EventId, LogId, Position, StreamId, Version},
    store::{Append, AppendError, AppendOutcome, Condition, EventFilter, EventStore, StreamRead},
};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};
use uuid::Uuid;

use super::{Broken, Faults, Sound};
use crate::hook::hook;

/// Stores that break the rule, and are sound otherwise.
pub(crate) fn breaking(rule: &str, sound: &Stores<dyn EventStore>) -> Option<Stores<dyn EventStore>> {
    let rule = rule.to_owned();
    if opening(&rule, 0).is_some() {
        return Some(over(sound, move || {
            let (rule, opened) = (rule.clone(), AtomicUsize::new(0));
            move || opening(&rule, opened.fetch_add(1, Ordering::SeqCst)).unwrap()
        }));
    }
    broken(&rule)?;
    Some(over(sound, move || {
        let faults = broken(&rule).unwrap();
        move || faults.clone()
    }))
}

/// Stores through the same wrapper without a fault.
pub(crate) fn unbroken(sound: &Stores<dyn EventStore>) -> Stores<dyn EventStore> {
    over(sound, || Faults::default)
}

/// Stores with the faults that are made for each place, and there for each handle.
fn over<F: Fn() -> Faults + Send + Sync + 'static>(
    sound: &Stores<dyn EventStore>,
    faults: impl Fn() -> F + Send + Sync + 'static,
) -> Stores<dyn EventStore> {
    let sound = sound.elsewhere();
    Stores::<dyn EventStore>::new(move || {
        let (place, faults) = (Arc::new(sound.elsewhere()), faults());
        move || Broken::open(Arc::clone(&place), faults())
    })
}

/// Faults of one handle against another.
fn opening(rule: &str, opened: usize) -> Option<Faults> {
    Some(match rule {
        "a_watcher_is_woken_by_another_handle" => {
            let (own, watch) = watch::channel(Position::ZERO);
            let append = hook(move |store: Sound, append| {
                let own = own.clone();
                async move {
                    let outcome = store.append(append).await;
                    own.send_replace(store.head().await.unwrap());
                    outcome
                }
            });
            Faults { append, watch: Some(watch), ..Faults::default() }
        }
        // The second handle does not see what the first one appends.
        "handles_on_the_same_data_are_one_log" | "what_was_appended_survives_reopening" => {
            Faults { alone: true, log_id: Some(|| LogId::from_uuid(Uuid::from_u128(1))), ..Faults::default() }
        }
        "commands_survive_reopening" if opened == 0 => Faults::default(),
        "commands_survive_reopening" => Faults { command: hook(|_, _| ready(Ok(None))), ..Faults::default() },
        _ => return None,
    })
}

fn broken(rule: &str) -> Option<Faults> {
    appending::appending(rule)
        .or_else(|| commands::commands(rule))
        .or_else(|| limits::limits(rule))
        .or_else(|| reading::reading(rule))
}

type Outcome = Result<AppendOutcome, AppendError>;

/// The version of a stream now.
async fn version(store: &Sound, stream: &StreamId) -> Version {
    let events = store.read_stream(stream, StreamRead::Before(None), 1).await.unwrap();
    events.first().map(|event| event.version).unwrap_or_default()
}

/// The first condition that does not hold now.
async fn unmet(store: &Sound, append: &Append) -> Option<AppendError> {
    for condition in &append.conditions {
        let Condition::Version { stream, expected } = condition.clone() else { continue };
        let actual = version(store, &stream).await;
        if actual != expected {
            return Some(AppendError::Conflict { stream, expected, actual });
        }
    }
    None
}

async fn known_ids(store: &Sound) -> HashSet<EventId> {
    let log = store.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.unwrap();
    log.events.into_iter().map(|event| event.event_id).collect()
}
