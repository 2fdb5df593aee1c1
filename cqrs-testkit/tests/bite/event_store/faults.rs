mod appending;
mod reading;

use std::{
    future::ready,
    sync::atomic::{AtomicUsize, Ordering},
};

use cqrs_core::{
    envelope::{LogId, Position, StreamId, Version},
    memory::MemoryEventStore,
    store::{EventStore, StreamRead},
};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};
use uuid::Uuid;

use super::Broken;
use crate::hook::hook;

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
    appending::appending(rule).or_else(|| reading::reading(rule))
}

/// The version of a stream now.
async fn version(store: &MemoryEventStore, stream: &StreamId) -> Version {
    let events = store.read_stream(stream, StreamRead::Before(None), 1).await.unwrap();
    events.first().map(|event| event.version).unwrap_or_default()
}
