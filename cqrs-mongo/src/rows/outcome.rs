use mongodb::bson::Document;

use crate::{
    error::{Failure, code},
    gate::SHUT,
};

/// What came of a series of statements.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The gate has let nothing, or not all, pass.
    pub(crate) is_shut: bool,
    /// The documents that the database has in some state that may be as new, or newer.
    pub(crate) known: Vec<usize>,
    /// A document that the server does not take, and what it says.
    pub(crate) refused: Option<(usize, String)>,
}

/// What stands before the documents in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// The gate's statement; an error ends the command.
    Gate,
    Nothing,
}

impl Outcome {
    /// All that can be written is.
    pub(crate) fn is_final(&self) -> bool {
        self.is_shut || self.refused.is_some()
    }

    /// Adds what the server has answered to a command with these rows. Tells how many of them are done with.
    pub(super) fn take(
        &mut self,
        doing: &'static str,
        reply: &Document,
        rows: &[usize],
        before: Before,
    ) -> Result<usize, Failure> {
        let mut done = rows.len();
        for error in reply.get_array("writeErrors").map(Vec::as_slice).unwrap_or_default() {
            let error =
                error.as_document().ok_or(Failure::nonsense(doing, "a write error is no document"))?;
            let number = error.get_i32("code").unwrap_or_default();
            let message = error.get_str("errmsg").unwrap_or_default();
            let index = error.get_i32("index").ok().and_then(|index| usize::try_from(index).ok());
            let statement = index.ok_or(Failure::nonsense(doing, "a write error is of no statement"))?;
            let nth = match before {
                Before::Nothing => statement,
                Before::Gate if statement > 0 => statement - 1,
                Before::Gate if SHUT.contains(&number) => {
                    self.is_shut = true;
                    continue;
                }
                Before::Gate => return Err(Failure::refusal(doing, number, message)),
            };
            let row = *rows.get(nth).ok_or(Failure::nonsense(doing, "a write error is of no statement"))?;
            if number == code::DUPLICATE_KEY && is_of_the_key(error, message) {
                self.known.push(row);
            } else if number == code::DUPLICATE_KEY || code::OF_A_DOCUMENT.contains(&number) {
                self.refused.get_or_insert((row, format!("MongoDB does not take it: {message}")));
            } else {
                return Err(Failure::refusal(doing, number, message));
            }
            if before == Before::Gate {
                done = nth + 1;
            }
        }
        Failure::of_write_concern(doing, reply)?;
        Ok(done)
    }
}

/// Whether two documents would have one key; an administrator may have added other unique indexes.
fn is_of_the_key(error: &Document, message: &str) -> bool {
    match error.get_document("keyPattern") {
        Ok(pattern) => pattern.keys().eq(["_id"]),
        Err(_) => message.contains("index: _id_ "),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    const DOING: &str = "writes documents";

    #[test]
    fn what_the_server_answers_is_told_apart() {
        let key = doc! { "index": 1, "code": 11_000, "errmsg": "E11000 …", "keyPattern": { "_id": 1 } };
        let other = doc! { "index": 2, "code": 11_000, "errmsg": "E11000 …", "keyPattern": { "email": 1 } };
        let mut outcome = Outcome::default();
        let reply = doc! { "ok": 1, "writeErrors": [key, other] };
        assert_eq!(outcome.take(DOING, &reply, &[10, 11, 12], Before::Nothing).expect("of documents"), 3);
        assert_eq!(outcome.known, [11]);
        assert_eq!(outcome.refused.expect("by an index").0, 12);
        let older = "E11000 duplicate key error collection: a.b index: _id_ dup key: { _id: \"k\" }";
        let reply = doc! { "writeErrors": [{ "index": 0, "code": 11_000, "errmsg": older }] };
        let mut outcome = Outcome::default();
        outcome.take(DOING, &reply, &[0], Before::Nothing).expect("known");
        assert_eq!(outcome.known, [0]);
        let right = doc! { "writeErrors": [{ "index": 0, "code": 13, "errmsg": "not authorized" }] };
        for before in [Before::Gate, Before::Nothing] {
            let error = Outcome::default().take(DOING, &right, &[0], before).expect_err("it is refused");
            assert!(!cqrs_core::store::Error::from(error).is_retryable());
        }
        for reply in [
            doc! { "writeErrors": [{ "index": 0, "code": 91, "errmsg": "shutting down" }] },
            doc! { "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } },
        ] {
            for before in [Before::Gate, Before::Nothing] {
                let error = Outcome::default().take(DOING, &reply, &[0], before).expect_err("it may pass");
                assert!(cqrs_core::store::Error::from(error).is_retryable());
            }
        }
    }

    #[test]
    fn a_command_ends_at_the_gate_or_at_the_first_document_that_is_known() {
        let error = |index: i32, code: i32| {
            doc! { "writeErrors": [{ "index": index, "code": code, "errmsg": "no", "keyPattern": { "_id": 1 } }] }
        };
        let mut outcome = Outcome::default();
        outcome.take(DOING, &error(0, 2), &[7, 8, 9], Before::Gate).expect("it is shut");
        assert!(outcome.is_shut && outcome.known.is_empty() && outcome.refused.is_none(), "{outcome:?}");
        let mut outcome = Outcome::default();
        let done = outcome.take(DOING, &error(2, 11_000), &[7, 8, 9], Before::Gate).expect("it is known");
        assert_eq!((done, &*outcome.known, outcome.is_shut), (2, &[8][..], false));
        let done =
            Outcome::default().take(DOING, &doc! { "ok": 1 }, &[7, 8, 9], Before::Gate).expect("sound");
        assert_eq!(done, 3);
        Outcome::default()
            .take(DOING, &error(9, 2), &[7], Before::Gate)
            .expect_err("there is no such statement");
    }
}
