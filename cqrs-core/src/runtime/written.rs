use std::{collections::HashSet, hash::BuildHasher};

use foldhash::fast::RandomState;

/// How many keys are known for a build, over all of its partitions: 16 MB or so.
const KEYS: usize = 1 << 20;

/// The documents that a build can have, where it has been followed from its beginning on: all others need not be
/// looked for in the store. A rebuild mostly makes documents that were not there.
///
/// It holds for one that has begun before the first event, under one lease. What somebody may have written there before,
/// who died before the checkpoint was written, is no matter: a document that is folded from nothing, with all of its events, is
/// whole, and the store keeps whichever has applied more.
pub(super) struct Written {
    /// Hashes of keys. Two of the same hash cost one look that is in vain.
    hashes: HashSet<u64, RandomState>,
    state: RandomState,
    most: usize,
}

impl Written {
    /// Of one among so many partitions, before its first event.
    pub(super) fn nothing(partitions: u16) -> Self {
        let most = KEYS / usize::from(partitions.max(1));
        Self { hashes: HashSet::default(), state: RandomState::default(), most }
    }

    /// Whether the store may have the document.
    pub(super) fn may_have(&self, key: &str) -> bool {
        self.hashes.contains(&self.state.hash_one(key))
    }

    /// They are about to be written. Where that makes too many to remember, the answer is `false`.
    pub(super) fn add<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) -> bool {
        self.hashes.extend(keys.into_iter().map(|key| self.state.hash_one(key)));
        self.hashes.len() <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_may_have_what_was_written_and_nothing_else() {
        let mut written = Written::nothing(1);
        assert!(!written.may_have("a"));
        assert!(written.add(["a", "b"]));
        assert_eq!(["a", "b", "c"].map(|key| written.may_have(key)), [true, true, false]);
    }

    #[test]
    fn no_more_keys_are_remembered_than_there_is_room_for() {
        let mut written = Written::nothing(1024);
        let keys: Vec<String> = (0..=KEYS / 1024).map(|number| number.to_string()).collect();
        assert!(written.add(keys[1..].iter().map(String::as_str)));
        assert!(!written.add([keys[0].as_str()]));
    }
}
