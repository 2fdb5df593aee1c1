use std::{collections::HashMap, sync::Arc};

use cqrs_core::{
    document::Value,
    domain::IndexValue,
    store::{Change, Commit, CommitError, DocumentWrite, ProjectionId, ProjectionSpec},
};
use std::sync::Mutex;

use super::{Faults, Sound};
use crate::hook::hook;

/// A sound store that takes its caller at his word: panics where a written batch is not what a store may expect.
pub(crate) fn strict() -> Faults {
    let declared: Arc<Mutex<HashMap<ProjectionId, Vec<&str>>>> = Arc::default();
    let known = Arc::clone(&declared);
    let prepare = hook(move |store: Sound, spec: ProjectionSpec| {
        let known = Arc::clone(&known);
        async move {
            let prepared = store.prepare(&spec).await;
            if prepared.is_ok() {
                let names = spec.indexes.iter().map(|index| index.name).collect();
                known.lock().unwrap().insert(spec.id.whole(), names);
            }
            prepared
        }
    });
    let commit = hook(move |store: Sound, (id, commit): (ProjectionId, Commit)| {
        let names = declared.lock().unwrap().get(&id.whole()).cloned().unwrap_or_default();
        async move {
            let keys: Vec<String> = commit.documents.iter().map(|write| write.key.clone()).collect();
            let stored = store.load(&id, &keys).await?;
            let writes = commit.documents.clone();
            let written: Result<(), CommitError> = store.commit(&id, commit).await;
            if written.is_ok() {
                for write in &writes {
                    let before = stored.iter().find(|document| document.key == write.key);
                    let before = before.map_or(0, |document| document.applied.get());
                    let DocumentWrite { key, created, applied, .. } = write;
                    assert!(applied.get() > before, "{key:?} is written at {applied}, but was at {before}");
                    assert!(applied >= created, "{key:?} was created at {created}, but is at {applied}");
                    agrees_with_its_indexes(write, &names);
                }
            }
            written
        }
    });
    Faults { prepare, commit, ..Faults::default() }
}

/// An indexed field that a document has is what the index says.
fn agrees_with_its_indexes(write: &DocumentWrite, names: &[&str]) {
    let Change::Put { data, indexes } = &write.change else { return };
    // What is too deep to be read has no fields that are declared.
    let Ok(document) = data.clone().into_tree() else { return };
    for (name, index) in names.iter().zip(indexes) {
        let Some(field) = document.field(name) else { continue };
        let agrees = match (field, index) {
            (Value::Null, IndexValue::Null) => true,
            (Value::Bool(a), IndexValue::Bool(b)) => a == b,
            (Value::Int(a), IndexValue::Int(b)) => a == b,
            (Value::Real(a), IndexValue::Real(b)) => a.total_cmp(b).is_eq(),
            (Value::Text(a), IndexValue::Text(b)) => a == b,
            (Value::Text(a), IndexValue::Time(b)) => *a == b.to_string(),
            _ => false,
        };
        assert!(agrees, "{:?} has {field:?} in its field {name}, but its index has {index:?}", write.key);
    }
}
