use super::Digest;
use crate::{
    envelope::Position,
    store::{Error, ProjectionId},
};

/// What comparing a projection's documents with a fold from scratch has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The projection.
    pub projection: ProjectionId,
    /// The fold went up to here, and further for documents that were further.
    pub position: Position,
    /// How often the log was read.
    pub passes: u32,
    /// How many documents were compared, traces of removed ones included.
    pub compared: u64,
    /// Of the documents of the fold that were compared.
    pub folded: Digest,
    /// Of the same ones as they are stored.
    pub stored: Digest,
    /// How many of them are not the same.
    pub different: u64,
    /// The first 100 of those.
    pub differences: Vec<Difference>,
    /// How many documents were not compared, as events of theirs are parked. Events of a stream that is parked are left out of
    /// the fold, as they are of the documents.
    pub parked: u64,
    /// The keys of the first 100 of those.
    pub parked_keys: Vec<String>,
}

impl Verification {
    /// All that was compared is the same.
    pub const fn is_equal(&self) -> bool {
        self.different == 0
    }
}

/// A document that is not what the fold makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Its key.
    pub key: String,
    /// The last event that is folded into it from scratch; `None` where none is.
    pub folded: Option<Position>,
    /// The last event that the stored document has; `None` where there is none.
    pub stored: Option<Position>,
    /// What is wrong.
    pub mismatch: Mismatch,
}

/// How a document differs from what the fold makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is not stored.
    Missing,
    /// It is stored, but no event makes it.
    Surplus,
    /// It was removed, but is stored, or the other way round.
    Removal,
    /// It has not the events that it should have, or others.
    Applied,
    /// It has the events, and says something else.
    Content,
    /// An event of it can't be folded in, and is not parked.
    Unfoldable {
        /// Which.
        position: Position,
        /// Why, with the causes.
        error: String,
    },
}

/// Why a projection can't be compared with a fold from scratch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The application does not know the projection.
    #[error("{projection} is not registered: add it to the application")]
    Unregistered {
        /// The projection.
        projection: ProjectionId,
    },
    /// It has no documents of this version that answer queries.
    #[error("{projection} is not built yet: wait until it has caught up")]
    Unbuilt {
        /// The projection.
        projection: ProjectionId,
    },
    /// The log is not the one that the documents were built from, or was put back to an earlier state.
    #[error(
        "{projection} was built from another log, or the log was put back since: see the projection's health"
    )]
    Diverged {
        /// The projection.
        projection: ProjectionId,
    },
    /// A store is away or damaged.
    #[error(transparent)]
    Store(#[from] Error),
}
