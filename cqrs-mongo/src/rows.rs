use std::ops::Range;

use mongodb::bson::{Document, RawArrayBuf, RawDocument, RawDocumentBuf, raw::cstr, rawdoc};
use tokio::task::JoinSet;

use crate::{
    document::Row,
    error::{Failure, code},
    names::APPLIED,
    server::Server,
    session::Session,
};

const DOING: &str = "writes documents";

/// The most bytes of documents that go into one command, but for a larger document alone. A command is one BSON document
/// itself.
const COMMAND_BYTES: usize = 12 << 20;

/// The most documents in one command. More gain no speed, and each command has the time-out for itself.
const COMMAND_STATEMENTS: usize = 500;

/// Into how many commands that run at the same time a large batch or load is split.
pub(crate) const AT_ONCE: usize = 4;

/// Fewer documents than this are not worth a command of their own.
pub(crate) const FEW: usize = 128;

/// What a server takes beyond the largest document, as a command has more than that.
const ENVELOPE_BYTES: usize = 16 << 10;

/// What a command has besides its statements.
const COMMAND_OVERHEAD: usize = 4 << 10;

/// What a statement has besides its document and its key.
const STATEMENT_OVERHEAD: usize = 128;

/// How a document that the database has is told from one that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Documents of which the database has no older state are inserted.
    Upsert,
    /// They are left alone.
    Update,
}

/// What came of a series of statements.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The documents that the database has in some state that may be as new, or newer.
    pub(crate) known: Vec<usize>,
    /// A document that the server does not take, and what it says.
    pub(crate) refused: Option<(usize, String)>,
}

/// By how much a document with this key is too large for a command, if it is.
pub(crate) fn excess(row: &Row, document_bytes: usize) -> usize {
    let statement = row.document.as_bytes().len() + row.key.len() + STATEMENT_OVERHEAD;
    (statement + COMMAND_OVERHEAD).saturating_sub(document_bytes + ENVELOPE_BYTES)
}

/// Writes rows into a collection, each unless the database has a state of it that is as new. Without a transaction, large
/// batches are written by several connections at once: a server works on one command with one processor.
pub(crate) async fn write(
    server: &Server,
    collection: &str,
    rows: &[Row],
    mode: Mode,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let ranges: Vec<Range<usize>> = commands(rows, portion(rows.len()).min(most(server))).collect();
    for ranges in ranges.chunks(AT_ONCE) {
        let mut running = JoinSet::new();
        for range in ranges {
            let command = command(collection, &rows[range.clone()], mode, Some(&server.write_concern.raw));
            let (server, database, start) = (server.clone(), server.database.clone(), range.start);
            running.spawn(async move {
                let reply = server.call(DOING, async move { database.run_raw_command(command).await }).await;
                (start, reply)
            });
        }
        // All of them have ended then, also where one has failed: what is tried again does not meet what was tried before.
        for (start, reply) in running.join_all().await {
            outcome.take(&reply?, start).map_err(|failure| failure.at(&server.place))?;
        }
    }
    Ok(outcome)
}

/// Writes rows in a transaction, which has ended where the outcome is not that all were written.
pub(crate) async fn write_in(
    server: &Server,
    session: &mut Session,
    collection: &str,
    rows: &[Row],
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    for range in commands(rows, most(server)) {
        let command = command(collection, &rows[range.clone()], Mode::Upsert, None);
        let database = server.database.clone();
        let work = |mut session| async move {
            let reply = database.run_raw_command(command).session(&mut session).await;
            (session, reply)
        };
        let reply = session.call(server, DOING, work).await?;
        outcome.take(&reply, range.start).map_err(|failure| failure.at(&server.place))?;
        if outcome.refused.is_some() || !outcome.known.is_empty() {
            break;
        }
    }
    Ok(outcome)
}

/// How many statements a command may have.
fn most(server: &Server) -> usize {
    server.limits.statements.min(COMMAND_STATEMENTS)
}

/// How many rows go into one command, so that a large batch is several.
fn portion(rows: usize) -> usize {
    rows.div_ceil(AT_ONCE).max(FEW)
}

/// Which rows go together.
fn commands(rows: &[Row], most: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let count = rows[start..]
            .iter()
            .take(most)
            .take_while(|row| {
                let first = bytes == 0;
                bytes += row.document.as_bytes().len() + row.key.len() + STATEMENT_OVERHEAD;
                first || bytes <= COMMAND_BYTES
            })
            .count();
        let range = start..start + count;
        start = range.end;
        (!range.is_empty()).then_some(range)
    })
}

fn command(
    collection: &str,
    rows: &[Row],
    mode: Mode,
    write_concern: Option<&RawDocument>,
) -> RawDocumentBuf {
    let mut updates = RawArrayBuf::new();
    for row in rows {
        let mut filter = rawdoc! { "_id": row.key.as_str() };
        filter.append(guard(), rawdoc! { "$lt": row.applied });
        let mut statement = rawdoc! { "q": filter };
        statement.append(cstr!("u"), &row.document);
        statement.append(cstr!("upsert"), mode == Mode::Upsert);
        updates.push(statement);
    }
    let mut command = rawdoc! { "update": collection, "ordered": false };
    command.append(cstr!("updates"), updates);
    if let Some(concern) = write_concern {
        command.append(cstr!("writeConcern"), concern);
    }
    command
}

fn guard() -> &'static mongodb::bson::raw::CStr {
    const NAME: &mongodb::bson::raw::CStr = cstr!("_cqrs.applied");
    debug_assert_eq!(NAME.as_str(), APPLIED);
    NAME
}

impl Outcome {
    /// Adds what the server has answered on the rows from `start` on.
    fn take(&mut self, reply: &Document, start: usize) -> Result<(), Failure> {
        for error in reply.get_array("writeErrors").map(Vec::as_slice).unwrap_or_default() {
            let error =
                error.as_document().ok_or(Failure::nonsense(DOING, "a write error is no document"))?;
            let number = error.get_i32("code").unwrap_or_default();
            let message = error.get_str("errmsg").unwrap_or_default();
            let at = error.get_i32("index").ok().and_then(|index| usize::try_from(index).ok());
            let at = start + at.ok_or(Failure::nonsense(DOING, "a write error is of no statement"))?;
            if number == code::DUPLICATE_KEY && is_of_the_key(error, message) {
                self.known.push(at);
            } else if number == code::DUPLICATE_KEY || code::OF_A_DOCUMENT.contains(&number) {
                self.refused.get_or_insert((at, format!("MongoDB does not take it: {message}")));
            } else {
                return Err(Failure::refusal(DOING, number, message));
            }
        }
        if let Ok(error) = reply.get_document("writeConcernError") {
            let number = error.get_i32("code").unwrap_or_default();
            return Err(Failure::refusal(DOING, number, error.get_str("errmsg").unwrap_or_default()));
        }
        Ok(())
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
    use mongodb::bson::{RawBson, doc};

    use super::*;

    fn row(bytes: usize) -> Row {
        let document = rawdoc! { "x": RawBson::String("y".repeat(bytes)) };
        Row { key: "k".to_owned(), applied: 1, document }
    }

    fn ranges(rows: &[Row], most: usize) -> Vec<Range<usize>> {
        commands(rows, most).collect()
    }

    #[test]
    fn commands_keep_to_the_limits_of_the_server() {
        assert_eq!(ranges(&[], 10), []);
        let small: Vec<Row> = (0..5).map(|_| row(1)).collect();
        assert_eq!(ranges(&small, 10), std::slice::from_ref(&(0..5)));
        assert_eq!(ranges(&small, 2), [0..2, 2..4, 4..5]);
        let large =
            [row(1), row(COMMAND_BYTES), row(COMMAND_BYTES / 2), row(COMMAND_BYTES / 3), row(1 << 24)];
        assert_eq!(ranges(&large, 10), [0..1, 1..2, 2..4, 4..5]);
    }

    #[test]
    fn a_document_that_makes_its_command_too_large_is_found_out() {
        let full = 16 << 20;
        assert_eq!(excess(&row(full - 100), full), 0);
        let long = Row { key: "k".repeat(20_000), ..row(full - 100) };
        assert!((1..20_000).contains(&excess(&long, full)), "{}", excess(&long, full));
    }

    #[test]
    fn what_the_server_answers_is_told_apart() {
        let key = doc! { "index": 1, "code": 11_000, "errmsg": "E11000 …", "keyPattern": { "_id": 1 } };
        let other = doc! { "index": 2, "code": 11_000, "errmsg": "E11000 …", "keyPattern": { "email": 1 } };
        let mut outcome = Outcome::default();
        outcome.take(&doc! { "ok": 1, "writeErrors": [key, other] }, 10).expect("both are of documents");
        assert_eq!(outcome.known, [11]);
        assert_eq!(outcome.refused.expect("by an index").0, 12);
        let older = "E11000 duplicate key error collection: a.b index: _id_ dup key: { _id: \"k\" }";
        let mut outcome = Outcome::default();
        outcome
            .take(&doc! { "writeErrors": [{ "index": 0, "code": 11_000, "errmsg": older }] }, 0)
            .expect("known");
        assert_eq!(outcome.known, [0]);
        let right = doc! { "writeErrors": [{ "index": 0, "code": 13, "errmsg": "not authorized" }] };
        let error = Outcome::default().take(&right, 0).expect_err("it is refused");
        assert!(!cqrs_core::store::Error::from(error).is_retryable());
        for reply in [
            doc! { "writeErrors": [{ "index": 0, "code": 91, "errmsg": "shutting down" }] },
            doc! { "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } },
        ] {
            let error = Outcome::default().take(&reply, 0).expect_err("it may pass");
            assert!(cqrs_core::store::Error::from(error).is_retryable());
        }
    }
}
