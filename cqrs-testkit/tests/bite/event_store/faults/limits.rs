use std::{collections::HashSet, sync::Arc};

use cqrs_core::{
    envelope::Json,
    store::{Append, AppendError, Error},
};
use cqrs_testkit::tokio::sync::watch;

use super::{Outcome, known_ids};
use crate::{
    event_store::{Faults, Sound},
    hook::{hook, let_others_run},
};

/// Appends that are under way at the same time.
#[derive(Debug, Default)]
struct Together {
    under_way: usize,
    failed: u64,
}

/// Fails where one of those fails that are under way at the same time.
async fn taking_all_down(store: Sound, append: Append, together: Arc<watch::Sender<Together>>) -> Outcome {
    let failed_before = together.borrow().failed;
    together.send_modify(|together| together.under_way += 1);
    let outcome = store.append(append).await;
    let_others_run().await;
    together.send_modify(|together| {
        together.under_way -= 1;
        together.failed += u64::from(outcome.is_err());
    });
    let mut others = together.subscribe();
    let others = others.wait_for(|together| together.under_way == 0).await.unwrap();
    if others.failed == failed_before { outcome } else { Err(Error::invalid("a neighbour failed").into()) }
}

/// Stores that break the rule where they have to refuse an append.
pub(super) fn limits(rule: &str) -> Option<Faults> {
    let append = match rule {
        "a_known_event_id_is_refused" => hook(|store: Sound, mut append: Append| async move {
            let known = known_ids(&store).await;
            append.events.retain(|event| !known.contains(&event.event_id));
            store.append(append).await
        }),
        "an_event_id_given_twice_is_refused" => hook(|store: Sound, mut append: Append| async move {
            let mut seen = HashSet::new();
            append.events.retain(|event| seen.insert(event.event_id));
            store.append(append).await
        }),
        "an_oversized_event_is_refused" => hook(|store: Sound, mut append: Append| async move {
            match store.append(append.clone()).await {
                Err(AppendError::TooLarge { event: large, .. }) => {
                    let cut = append.events.iter_mut().filter(|event| *event.name == *large);
                    cut.for_each(|event| event.data = Json::of("cut").unwrap());
                    store.append(append).await
                }
                other => other,
            }
        }),
        "too_many_events_are_refused" => hook(|store: Sound, mut append: Append| async move {
            match store.append(append.clone()).await {
                Err(AppendError::TooMany { limit, .. }) => {
                    append.events.truncate(limit);
                    store.append(append).await
                }
                other => other,
            }
        }),
        "a_refused_append_leaves_its_neighbours_alone" => {
            let together: Arc<watch::Sender<Together>> = Arc::default();
            hook(move |store: Sound, append| taking_all_down(store, append, Arc::clone(&together)))
        }
        _ => return None,
    };
    Some(Faults { append, ..Faults::default() })
}
