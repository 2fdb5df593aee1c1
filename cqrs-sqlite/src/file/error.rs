use std::sync::Arc;

use cqrs_core::store::Error;
use rusqlite::ErrorCode;

/// What SQLite said, to be told to each of those who waited for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    doing: &'static str,
    source: Arc<rusqlite::Error>,
}

impl Failure {
    pub(crate) fn new(doing: &'static str, error: rusqlite::Error) -> Self {
        Self { doing, source: Arc::new(error) }
    }
}

impl From<Failure> for Error {
    fn from(Failure { doing, source }: Failure) -> Self {
        if may_pass(&source) {
            Self::unavailable(doing, source)
        } else {
            Self::corrupt(format!("{source}, while it {doing}"))
        }
    }
}

/// Says what the store was doing when SQLite refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|error| Failure::new(doing, error).into())
    }
}

/// Another connection holds the lock that was asked for.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// The machine's trouble rather than the file's: the same call may work later.
pub(crate) fn may_pass(error: &rusqlite::Error) -> bool {
    is_busy(error)
        || matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::OutOfMemory
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DiskFull
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::OperationAborted
                    | ErrorCode::OperationInterrupted
            )
        )
}
