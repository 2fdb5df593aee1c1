//! What a user reads of the driver's errors: each cause once, and which database it is.

use std::{fmt, sync::Arc};

use cqrs_core::store::Error;
use sqlx::postgres::PgDatabaseError;

use super::Trouble;

/// What the driver said, to be told to each of those who waited for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) doing: &'static str,
    pub(crate) source: Arc<sqlx::Error>,
    /// Where the database is, once that is said.
    place: Option<Arc<str>>,
}

impl Failure {
    pub(crate) fn new(doing: &'static str, error: sqlx::Error) -> Self {
        Self { doing, source: Arc::new(error), place: None }
    }

    /// Says where the database is.
    pub(crate) fn at(self, place: &Arc<str>) -> Self {
        Self { place: Some(Arc::clone(place)), ..self }
    }

    fn said(&self) -> Said {
        Said { place: self.place.clone(), what: told(&self.source) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (doing, said) = (failure.doing, failure.said());
        match Trouble::of(&failure.source) {
            Trouble::Lost | Trouble::Passing | Trouble::Collision => Self::unavailable(doing, said),
            Trouble::Refused => Self::invalid(format!(
                "the store is refused while it {doing}: {said}{}",
                advice(&failure.source)
            )),
            Trouble::Unfit => {
                Self::invalid(format!("the database can't hold it, while the store {doing}: {said}"))
            }
            Trouble::Duplicate | Trouble::Wrong => Self::corrupt(format!("{said}, while the store {doing}")),
        }
    }
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        failure.clone().into()
    }
}

/// What the database or the way to it said. Not the driver's own error, which says each cause twice.
#[derive(Debug)]
struct Said {
    place: Option<Arc<str>>,
    what: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "PostgreSQL at {place}: {}", self.what),
            None => write!(f, "PostgreSQL: {}", self.what),
        }
    }
}

impl std::error::Error for Said {}

/// Says where the database is that is not available.
pub(crate) fn at(place: &Arc<str>, error: Error) -> Error {
    match error {
        Error::Unavailable { doing, source } => {
            let what = if let Some(said) = source.downcast_ref::<Said>() {
                said.what.clone()
            } else if let Some(error) = source.downcast_ref::<sqlx::Error>() {
                told(error)
            } else {
                return Error::unavailable(doing, source);
            };
            Error::unavailable(doing, Said { place: Some(Arc::clone(place)), what })
        }
        other => other,
    }
}

/// What an error says, without the names of its layers, and without the line of the server's source that it comes from.
pub(crate) fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => said.try_downcast_ref::<PgDatabaseError>().map_or_else(
            || said.to_string(),
            |said| match said.hint() {
                Some(hint) => format!("{} ({}; {hint})", said.message(), said.code()),
                None => format!("{} ({})", said.message(), said.code()),
            },
        ),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Configuration(error) => error.to_string(),
        sqlx::Error::Protocol(what) => what.clone(),
        sqlx::Error::PoolTimedOut => "all connections were in use for the whole time".to_owned(),
        other => other.to_string(),
    }
}

/// What to do about what the server refuses.
fn advice(error: &sqlx::Error) -> &'static str {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
        Some("28P01" | "28000") => "; look after user and password in the URL, and the server's pg_hba.conf",
        Some("3D000") => "; create the database, or name another one in the URL",
        Some("42501") => "; give the role this right",
        Some("2BP01") => "; drop what depends on it first, such as a view of your own",
        _ => "",
    }
}

/// Says what the store was doing when the driver failed.
#[cfg(feature = "views")]
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

#[cfg(feature = "views")]
impl<T> Doing<T> for sqlx::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|error| Failure::new(doing, error).into())
    }
}
