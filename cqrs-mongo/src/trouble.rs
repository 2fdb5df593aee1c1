//! Which errors may pass, and which no repetition mends.

use std::collections::BTreeSet;

use mongodb::error::{
    Error, ErrorKind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, WriteFailure,
};

/// What an error means for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The same may work later: no server, no primary, no time, another one in the way.
    Passing,
    /// The login is refused.
    Login,
    /// A right is missing.
    Right,
    /// The server does not do such a thing, or not with these options.
    Refused,
    /// What came is not what it should be.
    Wrong,
    /// The driver ends.
    Ended,
}

impl Trouble {
    pub(crate) fn of(error: &Error) -> Self {
        // Their senders know best.
        let passing = [RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR];
        if passing.iter().any(|label| error.contains_label(label)) {
            return Self::Passing;
        }
        if let Some((code, _)) = reply(error) {
            return Self::of_code(code);
        }
        match &*error.kind {
            ErrorKind::Authentication { .. } => Self::Login,
            ErrorKind::InvalidArgument { .. }
            | ErrorKind::InvalidTlsConfig { .. }
            | ErrorKind::IncompatibleServer { .. }
            | ErrorKind::SessionsNotSupported => Self::Refused,
            ErrorKind::Bson(_) => Self::Wrong,
            ErrorKind::Shutdown => Self::Ended,
            _ => Self::Passing,
        }
    }

    /// By the names of <https://www.mongodb.com/docs/manual/reference/error-codes/>. What is not named here may pass: to try
    /// again costs little, and to stop for what would have passed costs a restart.
    pub(crate) const fn of_code(code: i32) -> Self {
        match code {
            // UserNotFound, AuthenticationFailed, and what Atlas says to a wrong login.
            11 | 18 | 8_000 => Self::Login,
            // Unauthorized, RoleNotFound.
            13 | 31 => Self::Right,
            // BadValue, FailedToParse, TypeMismatch, IllegalOperation, InvalidNamespace, IndexAlreadyExists, InvalidOptions.
            2 | 9 | 14 | 20 | 68 | 72 | 73
            // CannotCreateIndex, UnknownReplWriteConcern, IndexOptionsConflict, IndexKeySpecsConflict,
            // UnsatisfiableWriteConcern.
            | 67 | 79 | 85 | 86 | 100
            // CommandNotFound, CommandNotSupported, DocumentValidationFailure, ReadConcernMajorityNotEnabled,
            // CommandNotSupportedOnView, OptionNotSupportedOnView, InvalidIndexSpecificationOption,
            // OperationNotSupportedInTransaction, APIVersionError, APIStrictError.
            | 59 | 115 | 121 | 148 | 166 | 167 | 197 | 263 | 322 | 323
            // BSONObjectTooLarge, and its older number.
            | 10_334 | 17_280
            // A field of a command that the server does not know, one that is missing, a stage that it does not know.
            | 40_324 | 40_414 | 40_415 => Self::Refused,
            _ => Self::Passing,
        }
    }
}

/// What the server answered: the number and the text of the error.
pub(crate) fn reply(error: &Error) -> Option<(i32, &str)> {
    match &*error.kind {
        ErrorKind::Command(error) => Some((error.code, &error.message)),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some((error.code, &error.message)),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some((error.code, &error.message)),
        ErrorKind::InsertMany(error) => {
            let single = error.write_errors.iter().flatten().next();
            single.map(|error| (error.code, error.message.as_str())).or_else(|| {
                error.write_concern_error.as_ref().map(|error| (error.code, error.message.as_str()))
            })
        }
        _ => None,
    }
}

/// What the driver says, without what it says twice.
pub(crate) fn told(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::ServerSelection { message, .. } => no_server(message),
        ErrorKind::Io(error) => error.to_string(),
        ErrorKind::InvalidArgument { message, .. } => message.clone(),
        kind => kind.to_string(),
    }
}

/// The driver shows all that it knows of all servers; what helps is why it could not talk to them.
fn no_server(message: &str) -> String {
    let reasons: BTreeSet<&str> = message
        .split("Error: Kind: ")
        .skip(1)
        .filter_map(|rest| rest.split_once(", labels: ").map(|(reason, _)| reason))
        .map(|reason| reason.strip_prefix("I/O error: ").unwrap_or(reason))
        .collect();
    if reasons.is_empty() {
        return message.to_owned();
    }
    let reasons: Vec<&str> = reasons.into_iter().collect();
    format!("no server that would do was found in time: {}", reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use mongodb::{
        bson::{Document, deserialize_from_document, doc},
        error::{CommandError, WriteConcernError},
    };

    use super::*;

    fn command(code: i32) -> Error {
        let said = doc! { "code": code, "codeName": "Name", "errmsg": "said" };
        ErrorKind::Command(deserialize_from_document::<CommandError>(said).expect("sound")).into()
    }

    fn write_concern(more: Document) -> Error {
        let mut said = doc! { "code": 100, "codeName": "Name", "errmsg": "said" };
        said.extend(more);
        let said: WriteConcernError = deserialize_from_document(said).expect("sound");
        ErrorKind::Write(WriteFailure::WriteConcernError(said)).into()
    }

    #[test]
    fn what_the_server_answers_is_sorted_by_its_number() {
        for (trouble, codes) in [
            (Trouble::Login, &[11, 18, 8_000][..]),
            (Trouble::Right, &[13, 31]),
            (Trouble::Refused, &[2, 59, 67, 72, 73, 85, 86, 166, 40_415]),
            // No network, no primary, no time, no room, another one in the way, what nobody has heard of.
            (Trouble::Passing, &[6, 89, 91, 189, 10_107, 11_600, 13_435, 50, 262, 64, 112, 14_031, 99_999]),
        ] {
            for code in codes {
                assert_eq!(Trouble::of(&command(*code)), trouble, "{code}");
            }
        }
    }

    #[test]
    fn labels_outweigh_numbers() {
        assert_eq!(Trouble::of(&write_concern(doc! {})), Trouble::Refused);
        for label in [RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, RETRYABLE_ERROR] {
            assert_eq!(
                Trouble::of(&write_concern(doc! { "errorLabels": [label] })),
                Trouble::Passing,
                "{label}"
            );
        }
    }

    #[test]
    fn what_the_network_does_may_pass() {
        assert_eq!(Trouble::of(&std::io::Error::from(std::io::ErrorKind::TimedOut).into()), Trouble::Passing);
    }

    #[test]
    fn that_no_server_was_found_is_said_once() {
        let server =
            "Address: a:1, Type: Unknown, Error: Kind: I/O error: refused (os error 111), labels: {}";
        let message = format!("Server selection timeout: {{ {server} }}, {{ {server} }}");
        assert_eq!(no_server(&message), "no server that would do was found in time: refused (os error 111)");
        assert_eq!(no_server("something else"), "something else");
    }
}
