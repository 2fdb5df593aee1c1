use std::{io, time::Duration};

use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// What an error of the driver means for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is gone, and whether the statement has happened is not known.
    Lost,
    /// The statement has not happened, and may work later.
    Passing,
    /// The statement has not happened: it met another transaction, and may be repeated at once.
    Collision,
    /// A row with such a key is there already.
    Duplicate,
    /// The server says no for good: a right that is missing, a wrong password.
    Refused,
    /// What it was given is nothing that the server can hold.
    Unfit,
    /// The store is not as it should be.
    Wrong,
}

impl Trouble {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                error.try_downcast_ref::<PgDatabaseError>().map_or(Self::Wrong, Self::said)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed => Self::Lost,
            sqlx::Error::Configuration(_) => Self::Refused,
            _ => Self::Wrong,
        }
    }

    /// By the codes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn said(error: &PgDatabaseError) -> Self {
        match error.code() {
            "23505" => Self::Duplicate,
            "40001" | "40P01" => Self::Collision,
            // No such role, password, database or schema; no right; not in this isolation level; something else depends
            // on what is to be dropped.
            code if code.starts_with("28")
                || matches!(code, "3D000" | "3F000" | "42501" | "0A000" | "2BP01") =>
            {
                Self::Refused
            }
            // The connection ends, be it that the server stops, that it fails over, or that somebody ended it. Also
            // after a commit, so it does not tell what became of the statement.
            code if code.starts_with("08") || code.starts_with("57P") => Self::Lost,
            _ if matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic) => Self::Lost,
            // Of memory, disk or connections; a time-out of the statement or of a lock; an error of the disk; a
            // server that does not write, as it is or has become a standby.
            code if ["53", "57", "58"].iter().any(|class| code.starts_with(class))
                || matches!(code, "55P03" | "25006") =>
            {
                Self::Passing
            }
            // A text that its type does not take; more than some limit.
            code if code.starts_with("22") || code.starts_with("54") => Self::Unfit,
            _ => Self::Wrong,
        }
    }
}

/// Nothing came in time, from a server that may be there or not.
pub(crate) fn timed_out(patience: Duration) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {patience:?}")))
}
