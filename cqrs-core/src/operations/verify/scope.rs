use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    num::NonZeroUsize,
};

use crate::envelope::Position;

/// Which documents of a projection are compared with a fold from scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is for `App::verify`"]
pub struct Verify {
    pub(super) sample: bool,
    /// The most documents in memory.
    pub(super) most: NonZeroUsize,
    pub(super) seed: u64,
    pub(super) from: Position,
}

impl Verify {
    const MOST: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

    /// All of them. The log is read once for each 100,000 documents, or as many as [`at_once`](Self::at_once) says; the
    /// documents once more, for those that no event has made.
    pub const fn all() -> Self {
        Self { sample: false, most: Self::MOST, seed: 0, from: Position::ZERO }
    }

    /// So many, chosen at random among those that events have made. The log is read once; documents that no event has made are
    /// not looked for.
    pub const fn sample(documents: NonZeroUsize, seed: u64) -> Self {
        Self { sample: true, most: documents, seed, from: Position::ZERO }
    }

    /// As many documents are in memory at a time, at most. Default: 100,000; a sample is in memory whole.
    pub const fn at_once(mut self, documents: NonZeroUsize) -> Self {
        if !self.sample {
            self.most = documents;
        }
        self
    }

    /// The position after which the projection was built, where that is not the start of the log.
    pub const fn from(mut self, position: Position) -> Self {
        self.from = position;
        self
    }

    /// Where a key stands in the order in which documents are compared.
    pub(super) fn place(&self, key: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, key).hash(&mut hasher);
        hasher.finish()
    }
}
