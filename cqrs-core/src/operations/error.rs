use std::time::Duration;

use uuid::Uuid;

use crate::store::{Error, ProjectionId};

/// Why an operation has no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperateError {
    /// Nobody has ended the request yet: nobody runs the projection, or whoever does is in the midst of a batch, has halted, or
    /// hangs. It stays, and is done later; [`Operator::outcome`](super::Operator::outcome) tells what has come of it.
    #[error(
        "the request {id} to {projection} was not ended within {waited:?}: it stays, and is done once an application runs the \
         projection, and has come to the end of its batch; ask for its outcome later"
    )]
    Pending {
        /// The projection.
        projection: ProjectionId,
        /// The request.
        id: Uuid,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The request was done long ago, and is no longer on record, or never was.
    #[error("there is no request {id} to {projection} on record")]
    Unknown {
        /// The projection.
        projection: ProjectionId,
        /// The request.
        id: Uuid,
    },
    /// The projection can't do that.
    #[error("{projection} refuses: {reason}")]
    Refused {
        /// The projection.
        projection: ProjectionId,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The read store is away or damaged.
    #[error(transparent)]
    Store(#[from] Error),
}
