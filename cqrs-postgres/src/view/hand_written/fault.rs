use std::error::Error as StdError;

use cqrs_core::store::{BatchError, Error};
use sqlx::error::DatabaseError;

use crate::database::Trouble;

const DOING: &str = "runs the SQL of a projection";

/// Whether the events are to blame for an error, or what is around them.
pub(super) fn sort(error: Box<dyn StdError + Send + Sync>) -> BatchError {
    if is_of_the_events(&*error) {
        BatchError::Refused { at: None, source: error }
    } else {
        Error::unavailable(DOING, error).into()
    }
}

/// The first error that is the database's says it, wherever it is among the causes; an error without one is the
/// projection's own.
fn is_of_the_events(error: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return match Trouble::of(error) {
            Trouble::Lost | Trouble::Passing | Trouble::Collision | Trouble::Refused => false,
            Trouble::Duplicate | Trouble::Unfit => true,
            Trouble::Wrong => !is_of_the_database(error),
        };
    }
    if let Some(error) = error.downcast_ref::<Error>() {
        return !error.is_retryable();
    }
    error.source().is_none_or(is_of_the_events)
}

/// A statement that does not fit the database as it is, a snapshot that is too old, a foreign server, or an error within
/// the server: another event would fare no better.
fn is_of_the_database(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| ["42", "72", "F0", "HV", "XX"].iter().any(|class| code.starts_with(class)))
}

#[cfg(test)]
mod tests {
    use std::io;

    use cqrs_core::store::CommitError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the projection's own")]
    struct Own(#[source] Option<sqlx::Error>);

    fn lost() -> sqlx::Error {
        sqlx::Error::Io(io::ErrorKind::BrokenPipe.into())
    }

    fn may_pass(error: impl Into<Box<dyn StdError + Send + Sync>>) -> bool {
        match sort(error.into()) {
            BatchError::Commit(CommitError::Store(error)) => error.is_retryable(),
            BatchError::Refused { at: None, .. } => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lost_connection_may_pass_also_as_a_cause_and_all_else_is_the_events_fault() {
        assert!(may_pass(lost()));
        assert!(may_pass(Own(Some(lost()))));
        assert!(may_pass(Error::unavailable("waits", "not yet")));
        assert!(!may_pass(Own(None)));
        assert!(!may_pass("a text"));
        assert!(!may_pass(sqlx::Error::RowNotFound));
        assert!(!may_pass(Own(Some(sqlx::Error::RowNotFound))));
        assert!(!may_pass(Error::invalid("never")));
    }
}
