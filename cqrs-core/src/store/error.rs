use std::sync::Arc;

/// Why a store could not do what it was asked.
///
/// Clones say the same to each of those who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database is away, busy beyond its time-out, or out of space. The same call may work later.
    #[error("the store is unavailable while it {doing}")]
    Unavailable {
        /// What the store was doing, such as `reads the log`.
        doing: &'static str,
        /// What the database said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored can't be what the store wrote: a damaged file, or a foreign hand.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What was found, and where.
        what: String,
    },
    /// The store was made by a newer version of this framework.
    #[error(
        "the store has format {found}, but this program knows formats up to {known}; use a newer program"
    )]
    NewerFormat {
        /// The format of the database.
        found: u32,
        /// The newest one that this program knows.
        known: u32,
    },
    /// The caller asked for what makes no sense, such as an index that was never declared.
    #[error("{what}")]
    Invalid {
        /// What was wrong, and what to do.
        what: String,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Wraps a database's error that may pass.
    pub fn unavailable(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing, source: Arc::from(source.into()) }
    }

    /// Says what is damaged.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// Says what made no sense.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    /// The same call may work later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
