use foldhash::fast::RandomState;
use lru::LruCache;

use crate::{
    envelope::{Json, Position},
    store::{Change, DocumentWrite, StoredDocument},
};

/// How many bytes are kept for a build; of one that is divided, each partition has its part.
const BYTES: usize = 8 << 20;
/// The most bytes of one document that is kept; with very many partitions it is a quarter of what one of them keeps.
const BYTES_OF_ONE: usize = 16 << 10;
/// What it takes to keep one, about, beside its key and its text.
const BYTES_OF_NONE: usize = 144;

/// The documents that a projection wrote last: an event is often followed by another one of the same document, which then need
/// not be read.
///
/// A projection keeps them for as long as all that it commits goes in where its last commit has ended. They are what is
/// stored, for nobody else has written since.
pub(super) struct Recent {
    documents: LruCache<String, Kept, RandomState>,
    bytes: usize,
    most: usize,
}

/// A document without its key.
struct Kept {
    created: Position,
    applied: Position,
    data: Option<Json>,
}

impl Recent {
    /// Of one among so many partitions.
    pub(super) fn new(partitions: u16) -> Self {
        let most = BYTES / usize::from(partitions.max(1));
        Self { documents: LruCache::unbounded_with_hasher(RandomState::default()), bytes: 0, most }
    }

    pub(super) fn get(&mut self, key: &str) -> Option<StoredDocument> {
        let Kept { created, applied, data } = self.documents.get(key)?;
        Some(StoredDocument { key: key.to_owned(), created: *created, applied: *applied, data: data.clone() })
    }

    /// What documents will be like once they are written.
    pub(super) fn of(writes: &[DocumentWrite]) -> Vec<StoredDocument> {
        writes.iter().map(stored).collect()
    }

    /// They were written.
    pub(super) fn keep(&mut self, documents: Vec<StoredDocument>) {
        for StoredDocument { key, created, applied, data } in documents {
            let kept = Kept { created, applied, data };
            let before = if kept.text() > BYTES_OF_ONE.min(self.most / 4) {
                self.documents.pop_entry(&key)
            } else {
                self.bytes += kept.bytes(&key);
                self.documents.push(key, kept)
            };
            self.drop(before);
        }
        while self.bytes > self.most {
            let oldest = self.documents.pop_lru();
            self.drop(oldest);
        }
    }

    fn drop(&mut self, dropped: Option<(String, Kept)>) {
        if let Some((key, kept)) = dropped {
            self.bytes -= kept.bytes(&key);
        }
    }

    /// Others were written.
    pub(super) fn forget(&mut self) {
        self.documents.clear();
        self.bytes = 0;
    }
}

impl Kept {
    fn text(&self) -> usize {
        self.data.as_ref().map_or(0, Json::len)
    }

    fn bytes(&self, key: &str) -> usize {
        key.len() + self.text() + BYTES_OF_NONE
    }
}

fn stored(write: &DocumentWrite) -> StoredDocument {
    let DocumentWrite { key, created, applied, change } = write;
    let data = match change {
        Change::Put { data, .. } => Some(data.clone().into_text().expect("it was serialised here")),
        Change::Remove => None,
    };
    StoredDocument { key: key.clone(), created: *created, applied: *applied, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(key: &str, bytes: usize) -> StoredDocument {
        let data = Some(Json::from_store("x".repeat(bytes)));
        StoredDocument { key: key.to_owned(), created: Position::new(1), applied: Position::new(2), data }
    }

    #[test]
    fn a_document_is_as_it_was_kept_last() {
        let mut recent = Recent::new(1);
        recent.keep(vec![document("a", 1), document("b", 2)]);
        recent.keep(vec![document("a", 3)]);
        assert_eq!(recent.get("a"), Some(document("a", 3)));
        assert_eq!(recent.get("b"), Some(document("b", 2)));
        assert_eq!(recent.get("c"), None);
        recent.forget();
        assert_eq!((recent.get("a"), recent.bytes), (None, 0));
    }

    #[test]
    fn one_that_has_become_too_large_is_not_kept_as_it_was() {
        let mut recent = Recent::new(1);
        recent.keep(vec![document("a", 1)]);
        recent.keep(vec![document("a", BYTES_OF_ONE + 1)]);
        assert_eq!((recent.get("a"), recent.bytes), (None, 0));
    }

    #[test]
    fn no_document_takes_most_of_the_room() {
        let mut recent = Recent::new(1_024);
        recent.keep(vec![document("a", 100), document("b", 100)]);
        recent.keep(vec![document("c", recent.most / 4 + 1)]);
        assert_eq!(["a", "b", "c"].map(|key| recent.get(key).is_some()), [true, true, false]);
    }

    #[test]
    fn those_that_were_not_asked_for_the_longest_time_make_room() {
        let mut recent = Recent::new(512);
        let fit = recent.most / (1_000 + 4 + BYTES_OF_NONE);
        let key = |number: usize| format!("{number:04}");
        recent.keep((0..fit).map(|number| document(&key(number), 1_000)).collect());
        assert!(recent.get(&key(0)).is_some());
        recent.keep(vec![document(&key(fit), 1_000)]);
        assert!(recent.get(&key(1)).is_none() && recent.get(&key(0)).is_some());
        assert!(recent.bytes <= recent.most && recent.documents.len() == fit);
    }
}
