use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use cqrs_core::store::{BoxFuture, Error, ProjectionId, ProjectionSpec};

use crate::{
    hook::hook,
    view_store::{Faults, Sound},
};

/// What was prepared before, and is prepared now.
type Preparing = fn(Option<ProjectionSpec>, ProjectionSpec, Sound) -> BoxFuture<'static, Result<(), Error>>;

/// Stores that break the rule where they prepare a projection.
pub(super) fn preparing(rule: &str) -> Option<Faults> {
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
    let prepare = hook(move |store: Sound, spec: ProjectionSpec| {
        let before = known.lock().unwrap().insert(spec.id.clone(), spec.clone());
        prepare(before, spec, store)
    });
    Some(Faults { prepare, ..Faults::default() })
}
