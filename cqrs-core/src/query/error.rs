use std::time::Duration;

use super::CursorError;
use crate::{
    domain::{DecodeError, FoldError},
    envelope::{LogId, Position, StreamIdError},
    runtime::Lag,
    store::{self, ProjectionId},
};

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The view is not as fresh as asked for, and time is up.
    #[error("{projection} {}, which is not as fresh as asked for, after {waited:?}", standing(*applied, *head, lag))]
    NotYetConsistent {
        /// The projection.
        projection: ProjectionId,
        /// What it has applied.
        applied: Position,
        /// The head of the log, or the position that was asked for where that is further.
        head: Position,
        /// How far it is behind.
        lag: Lag,
        /// How long the query waited.
        waited: Duration,
    },
    /// The views are built from another log, or from one that was put back to an earlier state since: how fresh they
    /// are can't be said. The projection has halted; its health says what to do.
    #[error(
        "{projection} is built from another log, or the log was put back since; see the projection's health"
    )]
    Diverged {
        /// The projection.
        projection: ProjectionId,
    },
    /// The token names a point of another log than the one that the views are built from.
    #[error("the token belongs to the log {token}, but the views are built from the log {log}")]
    ForeignToken {
        /// The token's log.
        token: LogId,
        /// The log of the views.
        log: LogId,
    },
    /// This version is being built for the first time, and what an older one answers meanwhile is of no use to it: the
    /// documents have other fields. It passes by itself.
    #[error(
        "{projection} is being built, and the documents of the older version, which answers meanwhile, don't fit it"
    )]
    Building {
        /// The projection.
        projection: ProjectionId,
        /// What does not fit.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The application was built without this projection.
    #[error("the projection {projection} is not registered; add `.projection::<…>(store)` before `.build()`")]
    Unregistered {
        /// The projection.
        projection: ProjectionId,
    },
    /// A page of no or too many views was asked for.
    #[error("a page of {limit} views was asked for, but it is 1 to {max}")]
    Limit {
        /// What was asked for.
        limit: usize,
        /// The most.
        max: usize,
    },
    /// The cursor is not one of this query.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A value that was compared with an index can't be one.
    #[error("the index `{index}` can't be compared with this value")]
    Condition {
        /// The index.
        index: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A stored document can't be read as the projection's type.
    #[error(
        "the document {key:?} of the projection `{projection}` can't be read; raise its `version` when its fields change"
    )]
    Document {
        /// The projection.
        projection: &'static str,
        /// The document's key.
        key: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key can't name a stream, so there is none to fold.
    #[error(transparent)]
    StreamId(#[from] StreamIdError),
    /// An event of the stream can't be read while it is folded live.
    #[error("the event at position {position} can't be read")]
    Decode {
        /// The event's place.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// An event of the stream does not fit the view while it is folded live.
    #[error("the event at position {position} can't be folded into the view")]
    Fold {
        /// The event's place.
        position: Position,
        /// Why.
        source: FoldError,
    },
    /// A store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Where a projection stands, in words.
fn standing(applied: Position, head: Position, lag: &Lag) -> String {
    if head > applied {
        format!("has applied the log up to position {applied} of {head}")
    } else if head == Position::ZERO {
        "has not begun".to_owned()
    } else {
        format!("was last known to be at the head of the log, position {head}, {:?} ago", lag.time)
    }
}

impl QueryError {
    /// Where an older version has answered, a document that does not fit is no damage.
    pub(super) fn while_building(self, projection: &ProjectionId, building: bool) -> Self {
        match self {
            Self::Document { source, .. } if building => {
                Self::Building { projection: projection.clone(), source }
            }
            error => error,
        }
    }

    /// The same query may succeed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::NotYetConsistent { .. } | Self::Building { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
