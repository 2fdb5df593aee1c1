use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use crate::{envelope::Json, store::Entry};

/// What processes tell each other; here, of one process.
#[derive(Default)]
pub(super) struct Entries {
    groups: HashMap<String, BTreeMap<String, Kept>>,
}

struct Kept {
    revision: u64,
    value: Json,
    put: Instant,
}

impl Entries {
    pub(super) fn of(&self, group: &str) -> Vec<Entry> {
        let entries = self.groups.get(group).into_iter().flatten();
        let entry = |(key, kept): (&String, &Kept)| Entry {
            key: key.clone(),
            revision: kept.revision,
            value: kept.value.clone(),
            age: kept.put.elapsed(),
        };
        entries.map(entry).collect()
    }

    pub(super) fn put(&mut self, group: &str, key: &str, expected: u64, value: Json) -> Option<u64> {
        let entries = self.groups.entry(group.to_owned()).or_default();
        let known = entries.get(key).map_or(0, |kept| kept.revision);
        (known == expected).then(|| {
            let revision = expected + 1;
            entries.insert(key.to_owned(), Kept { revision, value, put: Instant::now() });
            revision
        })
    }

    pub(super) fn touch(&mut self, group: &str, held: &[(String, u64)]) -> Vec<bool> {
        let mut touch = |(key, revision): &(String, u64)| {
            let entry = self.groups.get_mut(group).and_then(|entries| entries.get_mut(key));
            entry.filter(|kept| kept.revision == *revision).map(|kept| kept.put = Instant::now()).is_some()
        };
        held.iter().map(&mut touch).collect()
    }

    pub(super) fn remove(&mut self, group: &str, key: &str, expected: u64) -> bool {
        let Some(entries) = self.groups.get_mut(group) else { return false };
        let is_known = entries.get(key).is_some_and(|kept| kept.revision == expected);
        if is_known {
            entries.remove(key);
        }
        is_known
    }
}
