use std::{sync::Arc, time::Duration};

use cqrs_core::store::Error;
use mongodb::{bson::Document, error::UNKNOWN_TRANSACTION_COMMIT_RESULT};

use crate::trouble::{Trouble, reply, told};

/// Why the server did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    doing: &'static str,
    cause: Cause,
    /// Where the database is, once that is said.
    place: Option<Arc<str>>,
}

#[derive(Debug)]
enum Cause {
    Driver(mongodb::error::Error),
    /// No answer came in time.
    Silence(Duration),
    /// The program ends.
    Ended,
    /// It answered, with an error of a single statement or of the write concern.
    Refusal {
        code: i32,
        message: String,
    },
    /// What it answered makes no sense.
    Nonsense(&'static str),
}

/// What the database said. Not the driver's own error, which shows the reply, and so may show documents.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl Failure {
    pub(crate) fn driver(doing: &'static str, error: mongodb::error::Error) -> Self {
        Self { doing, cause: Cause::Driver(error), place: None }
    }

    pub(crate) const fn silence(doing: &'static str, time: Duration) -> Self {
        Self { doing, cause: Cause::Silence(time), place: None }
    }

    pub(crate) const fn ended(doing: &'static str) -> Self {
        Self { doing, cause: Cause::Ended, place: None }
    }

    pub(crate) fn refusal(doing: &'static str, code: i32, message: &str) -> Self {
        Self { doing, cause: Cause::Refusal { code, message: message.to_owned() }, place: None }
    }

    /// An error where the reply says that what was written may not last.
    pub(crate) fn of_write_concern(doing: &'static str, reply: &Document) -> Result<(), Self> {
        let Ok(error) = reply.get_document("writeConcernError") else { return Ok(()) };
        let number = error.get_i32("code").unwrap_or_default();
        Err(Self::refusal(doing, number, error.get_str("errmsg").unwrap_or_default()))
    }

    pub(crate) const fn nonsense(doing: &'static str, what: &'static str) -> Self {
        Self { doing, cause: Cause::Nonsense(what), place: None }
    }

    /// Says where the database is.
    pub(crate) fn at(self, place: &Arc<str>) -> Self {
        Self { place: Some(Arc::clone(place)), ..self }
    }

    /// The number of the error, where it is one of the server.
    pub(crate) fn code(&self) -> Option<i32> {
        let Cause::Driver(error) = &self.cause else { return None };
        reply(error).map(|(code, _)| code)
    }

    /// The way to the server was cut, or another one is about to be the primary: whether it was done is not known, and may be asked
    /// right away.
    pub(crate) fn is_of_the_way(&self) -> bool {
        matches!(&self.cause, Cause::Driver(error) if Trouble::of(error) == Trouble::Passing)
    }

    pub(crate) fn is_of_a_lost_race(&self) -> bool {
        self.has_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR)
    }

    /// Whether a transaction was committed is not known, and asking again tells.
    pub(crate) fn leaves_a_commit_open(&self) -> bool {
        self.has_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
    }

    fn has_label(&self, label: &str) -> bool {
        matches!(&self.cause, Cause::Driver(error) if error.contains_label(label))
    }
}

impl From<Failure> for Error {
    fn from(Failure { doing, cause, place }: Failure) -> Self {
        let mongodb = place.map_or_else(|| "MongoDB".to_owned(), |place| format!("MongoDB at {place}"));
        let (trouble, message) = match cause {
            Cause::Driver(error) => {
                let message =
                    reply(&error).map_or_else(|| told(&error), |(code, message)| said(code, message));
                (Trouble::of(&error), message)
            }
            Cause::Refusal { code, message } => (Trouble::of_code(code), said(code, &message)),
            Cause::Silence(time) => (Trouble::Passing, format!("no answer came within {time:?}")),
            Cause::Ended => (Trouble::Ended, String::new()),
            Cause::Nonsense(what) => (Trouble::Wrong, what.to_owned()),
        };
        match trouble {
            Trouble::Passing => unavailable(doing, format!("{mongodb}: {message}")),
            Trouble::Login => Self::invalid(format!(
                "{mongodb} refuses the login: {message}; look after user, password and `authSource` in the URL"
            )),
            Trouble::Right => Self::invalid(format!(
                "{mongodb} refuses what the store does, which {doing}: {message}; give its user the role `readWrite` on the \
                 database"
            )),
            Trouble::Refused => {
                Self::invalid(format!("{mongodb} refuses what the store does, which {doing}: {message}"))
            }
            Trouble::Wrong => Self::corrupt(message),
            Trouble::Ended => Self::Closed,
        }
    }
}

/// What a server's refusal looks like in an error's chain.
fn said(code: i32, message: &str) -> String {
    format!("error {code}: {message}")
}

pub(crate) fn unavailable(doing: &'static str, said: impl Into<String>) -> Error {
    Error::unavailable(doing, Said(said.into()))
}

/// The server's numbers for what it answers.
pub(crate) mod code {
    pub(crate) const NAMESPACE_NOT_FOUND: i32 = 26;
    pub(crate) const INDEX_NOT_FOUND: i32 = 27;
    pub(crate) const NAMESPACE_EXISTS: i32 = 48;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;

    /// What is wrong with a single document, and stays wrong: it is too large, or has a name, a value or a depth that
    /// the server does not take, or an administrator's rule is against it.
    pub(crate) const OF_A_DOCUMENT: [i32; 15] =
        [2, 9, 14, 15, 22, 52, 53, 55, 56, 57, 121, 10_334, 17_280, 17_419, 17_420];
}
