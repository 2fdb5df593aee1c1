mod committing;
mod finding;
mod preparing;
mod reading;

use std::future::ready;

use cqrs_core::{
    memory::MemoryViewStore,
    store::{Commit, ProjectionId, ViewStore},
};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};

use super::Broken;
use crate::hook::hook;

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

fn broken(rule: &str) -> Option<Broken> {
    if let Some(commit) = committing::committing(rule) {
        return Some(Broken { commit: Some(commit), ..Broken::default() });
    }
    if let Some(find) = finding::finding(rule) {
        return Some(Broken { find: Some(find), ..Broken::default() });
    }
    preparing::preparing(rule).or_else(|| reading::reading(rule))
}
