use cqrs_core::{
    domain::IdError,
    envelope::TokenError,
    query::{CursorError, QueryError},
    runtime::with_causes,
    store,
};

use crate::{Code, Problem, duration, wish::foreign};

/// Says why a query has no answer. What is the service's own fault is logged, and not told.
impl From<&QueryError> for Problem {
    fn from(error: &QueryError) -> Self {
        match error {
            QueryError::NotYetConsistent { projection, applied, head, lag, waited, .. } => {
                let waited = duration::format(*waited);
                let detail =
                    format!("after {waited} {} has applied position {applied} of {head}", projection.name);
                Self::new(Code::NOT_YET_CONSISTENT, detail).progress(*applied, *head, lag.time)
            }
            QueryError::ForeignToken { token, log } => foreign(*log, *token),
            QueryError::Cursor(cursor) => Self::new(Code::BAD_AFTER, cursor.to_string()),
            QueryError::Limit { .. } => Self::new(Code::BAD_LIMIT, error.to_string()),
            QueryError::Diverged { .. } => Self::new(Code::READ_STORE_UNAVAILABLE, error.to_string()),
            QueryError::Store(store::Error::Unavailable { .. } | store::Error::Closed) => {
                tracing::warn!(error = with_causes(error), "a query met a store that is away");
                Self::new(Code::READ_STORE_UNAVAILABLE, error.to_string())
            }
            error => Self::internal(error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::from(&error)
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::new(Code::BAD_TOKEN, error.to_string())
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::new(Code::BAD_AFTER, error.to_string())
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(Code::BAD_ID, error.to_string())
    }
}

impl Problem {
    /// Says that the write store, which was read by hand, has no answer.
    pub fn of_write_store(error: &store::Error) -> Self {
        match error {
            store::Error::Unavailable { .. } | store::Error::Closed => {
                tracing::warn!(error = with_causes(error), "a request met a write store that is away");
                Self::new(Code::WRITE_STORE_UNAVAILABLE, error.to_string())
            }
            error => Self::internal(error),
        }
    }
}
