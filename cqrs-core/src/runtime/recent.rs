use std::num::NonZeroUsize;

use lru::LruCache;

use crate::store::{Change, DocumentWrite, StoredDocument};

/// How many documents are kept.
const DOCUMENTS: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");
/// The most bytes of one that is kept.
const BYTES: usize = 16 << 10;

/// The documents that a projection wrote last, as it follows the head of the log: an event is often followed by another
/// one of the same document, which then need not be read.
///
/// A projection keeps them for as long as all that it commits goes in where its last commit has ended. They are what is
/// stored, for nobody else has written since.
pub(super) struct Recent {
    documents: LruCache<String, StoredDocument>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { documents: LruCache::new(DOCUMENTS) }
    }

    pub(super) fn get(&mut self, key: &str) -> Option<&StoredDocument> {
        self.documents.get(key)
    }

    /// What documents will be like once they are written.
    pub(super) fn of(writes: &[DocumentWrite]) -> Vec<StoredDocument> {
        writes.iter().map(stored).collect()
    }

    /// They were written.
    pub(super) fn keep(&mut self, documents: Vec<StoredDocument>) {
        for document in documents {
            if document.data.as_ref().is_some_and(|data| data.len() > BYTES) {
                self.documents.pop(&document.key);
            } else {
                self.documents.put(document.key.clone(), document);
            }
        }
    }

    /// Others were written.
    pub(super) fn forget(&mut self) {
        self.documents.clear();
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
