use super::{policy::Stop, with_causes};
use crate::store::{CommitError, Error};

/// Why a stretch of work ended.
pub(super) enum End {
    /// The application stops.
    Stopped,
    /// A store is away, or another writer has moved the projection: start over from the stored checkpoint.
    Again(String),
    /// The projection was moved: start over at once.
    Moved,
    /// Another build has caught up, and takes its place.
    BuiltAnew,
    /// Going on would lose data.
    Halted(String),
}

impl End {
    pub(super) fn taken_over() -> Self {
        Self::Again("another application has taken it over".to_owned())
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        let text = with_causes(&error);
        match error {
            Error::Unavailable { .. } | Error::Closed => Self::Again(text),
            _ => Self::Halted(text),
        }
    }
}

impl From<CommitError> for End {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Superseded { .. } | CommitError::Fenced { .. } => Self::Again(with_causes(&error)),
            CommitError::TooLarge { .. } | CommitError::Unfit { .. } => Self::Halted(with_causes(&error)),
        }
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Commit(error) => error.into(),
            Stop::Retry(what) => Self::Again(what),
            Stop::Halt(what) => Self::Halted(what),
        }
    }
}
