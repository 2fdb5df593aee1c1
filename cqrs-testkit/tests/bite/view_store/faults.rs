mod building;
mod committing;
mod coordinating;
mod finding;
mod partitioning;
mod preparing;
mod reading;

use std::sync::Arc;

use cqrs_core::store::{Commit, ProjectionId, ViewStore};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};

use super::{Broken, Faults, Sound};
use crate::hook::hook;

/// Stores that break the rule, and are sound otherwise.
pub(crate) fn breaking(rule: &str, sound: &Stores<dyn ViewStore>) -> Option<Stores<dyn ViewStore>> {
    let rule = rule.to_owned();
    if opening(&rule).is_some() {
        return Some(over(sound, move || {
            let rule = rule.clone();
            move || opening(&rule).unwrap()
        }));
    }
    broken(&rule)?;
    Some(over(sound, move || {
        let faults = broken(&rule).unwrap();
        move || faults.clone()
    }))
}

/// Stores through the same wrapper without a fault.
pub(crate) fn unbroken(sound: &Stores<dyn ViewStore>) -> Stores<dyn ViewStore> {
    over(sound, || Faults::default)
}

/// Stores with the faults that are made for each place, and there for each handle.
pub(super) fn over<F: Fn() -> Faults + Send + Sync + 'static>(
    sound: &Stores<dyn ViewStore>,
    faults: impl Fn() -> F + Send + Sync + 'static,
) -> Stores<dyn ViewStore> {
    let sound = sound.elsewhere();
    Stores::<dyn ViewStore>::new(move || {
        let (place, faults) = (Arc::new(sound.elsewhere()), faults());
        move || Broken::open(Arc::clone(&place), faults())
    })
}

/// Faults of one handle against another.
fn opening(rule: &str) -> Option<Faults> {
    Some(match rule {
        "a_watcher_is_woken_by_another_handle" => {
            let (own, watch) = watch::channel(None);
            let commit = hook(move |store: Sound, (id, commit): Committing| {
                let own = own.clone();
                async move {
                    let outcome = store.commit(&id, commit).await;
                    own.send_replace(store.checkpoint(&id).await?);
                    outcome
                }
            });
            Faults { commit, watch: Some(watch), ..Faults::default() }
        }
        // The second handle does not see what the first one writes.
        "handles_on_the_same_data_are_one_store"
        | "what_was_written_survives_reopening"
        | "entries_are_shared_and_stay" => Faults { alone: true, ..Faults::default() },
        _ => return None,
    })
}

type Committing = (ProjectionId, Commit);

fn broken(rule: &str) -> Option<Faults> {
    if let Some(commit) = committing::committing(rule) {
        return Some(Faults { commit: Some(commit), ..Faults::default() });
    }
    if let Some(find) = finding::finding(rule) {
        return Some(Faults { find: Some(find), ..Faults::default() });
    }
    preparing::preparing(rule)
        .or_else(|| reading::reading(rule))
        .or_else(|| building::building(rule))
        .or_else(|| coordinating::coordinating(rule))
        .or_else(|| partitioning::partitioning(rule))
}
