use std::time::Duration;

use crate::{
    hook::{hook, let_others_run},
    view_store::{Faults, Putting, Sound},
};

/// The revision that an entry has; zero where there is none.
async fn revision(store: &Sound, group: &str, key: &str) -> u64 {
    let entries = store.coordination().entries(group).await.unwrap();
    entries.into_iter().find(|entry| entry.key == key).map_or(0, |entry| entry.revision)
}

/// Stores that break the rule where they keep entries.
pub(super) fn coordinating(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        "entries_are_read_back_as_they_were_put" => {
            broken.put_entry = hook(|store: Sound, (group, key, expected, value): Putting| async move {
                store.coordination().put_entry(&group, key.trim(), expected, value).await
            });
        }
        "an_entry_changes_only_under_its_revision" => {
            broken.put_entry = hook(|store: Sound, (group, key, expected, value): Putting| async move {
                // Whoever knows any revision may change it.
                let expected = if expected > 0 { revision(&store, &group, &key).await } else { 0 };
                store.coordination().put_entry(&group, &key, expected, value).await
            });
        }
        "of_racing_puts_just_one_wins" => {
            broken.put_entry = hook(|store: Sound, (group, key, expected, value): Putting| async move {
                // Looks first, and then puts, whatever has come in between.
                if revision(&store, &group, &key).await != expected {
                    return Ok(None);
                }
                let_others_run().await;
                let known = revision(&store, &group, &key).await;
                store.coordination().put_entry(&group, &key, known, value).await
            });
        }
        "an_entry_grows_old_until_it_is_touched" => {
            broken.entries = hook(|store: Sound, group: String| async move {
                let mut entries = store.coordination().entries(&group).await?;
                for entry in &mut entries {
                    entry.age = Duration::ZERO;
                }
                Ok(entries)
            });
        }
        "an_entry_is_removed_only_under_its_revision" => {
            broken.remove_entry = hook(|store: Sound, (group, key, _): (String, String, u64)| async move {
                let known = revision(&store, &group, &key).await;
                store.coordination().remove_entry(&group, &key, known).await
            });
        }
        "groups_are_apart" => {
            let one = |group: String| group.to_lowercase();
            broken.put_entry = hook(move |store: Sound, (group, key, expected, value): Putting| async move {
                store.coordination().put_entry(&one(group), &key, expected, value).await
            });
            broken.entries = hook(move |store: Sound, group: String| async move {
                store.coordination().entries(&one(group)).await
            });
        }
        _ => return None,
    }
    Some(broken)
}
