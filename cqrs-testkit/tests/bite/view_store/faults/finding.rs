use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Arc, Mutex},
};

use cqrs_core::{
    domain::IndexValue,
    store::{After, Comparison, Direction, Error, Filter, Find, OrderBy, ProjectionId, Read, StoredDocument},
};

use crate::{
    hook::{Hook, hook},
    view_store::Sound,
};

type Finding = (ProjectionId, Find);
type Finds = Option<Hook<Sound, Finding, Result<Read<Vec<StoredDocument>>, Error>>>;

/// Changes each look-up.
fn asking(change: fn(&mut Find)) -> Finds {
    hook(move |store: Sound, (id, mut find): Finding| async move {
        change(&mut find);
        store.find(&id, &find).await
    })
}

/// Changes what each look-up finds.
fn answering(change: fn(&Find, &mut Vec<StoredDocument>)) -> Finds {
    hook(move |store: Sound, (id, find): Finding| async move {
        let mut found = store.find(&id, &find).await?;
        change(&find, &mut found.value);
        Ok(found)
    })
}

/// What breaks the rule in place of a look-up.
pub(super) fn finding(rule: &str) -> Finds {
    match rule {
        "documents_are_found_by_one_of_several_values" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::OneOf(values) = &mut filter.comparison {
                    values.truncate(1);
                }
            }
        }),
        "null_equals_null" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::OneOf(values) = &mut filter.comparison {
                    values.retain(|value| *value != IndexValue::Null);
                }
            }
        }),
        "documents_are_found_within_a_range" => asking(|find| {
            for filter in &mut find.filters {
                if let Comparison::Within { to: Some(IndexValue::Int(to)), .. } = &mut filter.comparison {
                    *to += 1;
                }
            }
        }),
        "a_value_of_another_type_is_never_within" => {
            hook(|store: Sound, (id, mut find): Finding| async move {
                let mut found = store.find(&id, &find).await?;
                if let [Filter { comparison: comparison @ Comparison::Within { from: None, .. }, .. }] =
                    &mut *find.filters
                {
                    // As where null comes before every number.
                    *comparison = Comparison::OneOf(vec![IndexValue::Null]);
                    found.value.extend(store.find(&id, &find).await?.value);
                }
                Ok(found)
            })
        }
        "all_filters_have_to_hold" => asking(|find| find.filters.truncate(1)),
        "an_undeclared_index_is_refused" => hook(|store: Sound, (id, find): Finding| async move {
            match store.find(&id, &find).await {
                Err(Error::Invalid { .. }) => Ok(Read { value: vec![], checkpoint: None }),
                other => other,
            }
        }),
        "a_random_history_equals_a_map" => asking(|find| find.direction = Direction::Ascending),
        "documents_are_sorted_by_their_creation" => answering(|find, found| {
            if find.order == OrderBy::Created {
                found.sort_by_key(|document| document.applied);
                found.sort_by(|a, b| a.key.cmp(&b.key));
            }
        }),
        "documents_are_sorted_by_an_index_of_any_types" => answering(|find, found| {
            if find.order != OrderBy::Created && !found.is_empty() {
                found.rotate_left(1);
            }
        }),
        "ties_are_sorted_by_key" => answering(|find, found| {
            if find.direction == Direction::Descending {
                found.sort_by_key(|document| (Reverse(document.created), document.key.clone()));
            }
        }),
        "pages_follow_each_other_without_gap" => asking(|find| {
            // All documents with the value of the last one are passed over.
            if let Some(After::Created(_, key) | After::Index(_, key)) = &mut find.after {
                *key = if find.direction == Direction::Ascending {
                    char::MAX.to_string()
                } else {
                    String::new()
                };
            }
        }),
        "pages_hold_while_documents_change" => {
            // Pages by number.
            let seen: Arc<Mutex<HashMap<ProjectionId, usize>>> = Arc::default();
            hook(move |store: Sound, (id, find): Finding| {
                let seen = Arc::clone(&seen);
                async move {
                    let offset = match find.after {
                        None => 0,
                        Some(_) => seen.lock().unwrap().get(&id).copied().unwrap_or_default(),
                    };
                    let whole = Find { after: None, limit: usize::MAX, ..find.clone() };
                    let mut found = store.find(&id, &whole).await?;
                    found.value = found.value.into_iter().skip(offset).take(find.limit).collect();
                    seen.lock().unwrap().insert(id, offset + found.value.len());
                    Ok(found)
                }
            })
        }
        _ => None,
    }
}
