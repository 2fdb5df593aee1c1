mod outcome;

use mongodb::bson::{RawArrayBuf, RawDocument, RawDocumentBuf, raw::cstr, rawdoc};
use tokio::task::JoinSet;

pub(crate) use outcome::Outcome;

use self::outcome::Before;
use crate::{
    document::Row, error::Failure, gate::Pass, names::APPLIED, read, server::Server, session::Session,
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

/// By how much a document with this key is too large for a command, if it is.
pub(crate) fn excess(row: &Row, document_bytes: usize) -> usize {
    let statement = row.document.as_bytes().len() + row.key.len() + STATEMENT_OVERHEAD;
    (statement + COMMAND_OVERHEAD).saturating_sub(document_bytes + ENVELOPE_BYTES)
}

/// Writes rows into a collection, each unless the database has a state of it that is as new, and only where the gate lets
/// them pass. Large batches are written by several connections at once: a server works on one command with one processor.
pub(crate) async fn write(
    server: &Server,
    pass: &Pass,
    rows: &[Row],
    mode: Mode,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let mut left: Vec<usize> = (0..rows.len()).collect();
    while !left.is_empty() {
        let most = portion(left.len()).min(most(server));
        let mut skipped = Vec::new();
        for portions in commands(rows, &left, most).chunks(AT_ONCE) {
            let mut running = JoinSet::new();
            for portion in portions {
                let command = gated(server, pass, rows, portion, mode);
                let (server, database, portion) = (server.clone(), server.database.clone(), portion.to_vec());
                running.spawn(async move {
                    let reply =
                        server.call(DOING, async move { database.run_raw_command(command).await }).await;
                    (portion, reply)
                });
            }
            // All of them have ended then, also where one has failed: what is tried again does not meet what was tried
            // before.
            for (portion, reply) in running.join_all().await {
                let done = outcome.take(DOING, &reply?, &portion, Before::Gate);
                skipped.extend_from_slice(&portion[done.map_err(|failure| failure.at(&server.place))?..]);
            }
            if outcome.is_final() {
                return Ok(outcome);
            }
        }
        left = skipped;
        if mode == Mode::Upsert && !left.is_empty() {
            // Where one document is known, more may be, such as in a batch that is written again, and each would end a
            // command.
            let keys: Vec<String> = left.iter().map(|row| rows[*row].key.clone()).collect();
            let there = read::known_keys(server, &pass.collection, &keys).await?;
            let (known, new) = left.into_iter().partition(|row| there.contains(&rows[*row].key));
            let known: Vec<usize> = known;
            outcome.known.extend(known);
            left = new;
        }
    }
    Ok(outcome)
}

/// Writes rows in a transaction, which has ended where the outcome is not that all were written. The checkpoint, which is
/// written before, takes the gate's place.
pub(crate) async fn write_in(
    server: &Server,
    session: &mut Session,
    collection: &str,
    rows: &[Row],
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let all: Vec<usize> = (0..rows.len()).collect();
    for portion in commands(rows, &all, most(server)) {
        let mut command = rawdoc! { "update": collection, "ordered": false };
        command.append(cstr!("updates"), statements(RawArrayBuf::new(), rows, portion, Mode::Upsert));
        let database = server.database.clone();
        let work = |mut session| async move {
            let reply = database.run_raw_command(command).session(&mut session).await;
            (session, reply)
        };
        let reply = session.call(server, DOING, work).await?;
        outcome.take(DOING, &reply, portion, Before::Nothing).map_err(|failure| failure.at(&server.place))?;
        if outcome.is_final() || !outcome.known.is_empty() {
            break;
        }
    }
    Ok(outcome)
}

/// How many documents a command may have, besides the gate's statement.
fn most(server: &Server) -> usize {
    server.limits.statements.saturating_sub(1).clamp(1, COMMAND_STATEMENTS)
}

/// How many rows go into one command, so that a large batch is several.
fn portion(rows: usize) -> usize {
    rows.div_ceil(AT_ONCE).max(FEW)
}

/// Which rows go together.
fn commands<'a>(rows: &[Row], wanted: &'a [usize], most: usize) -> Vec<&'a [usize]> {
    let mut commands = Vec::new();
    let mut rest = wanted;
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(most)
            .take_while(|row| {
                let (first, row) = (bytes == 0, &rows[**row]);
                bytes += row.document.as_bytes().len() + row.key.len() + STATEMENT_OVERHEAD;
                first || bytes <= COMMAND_BYTES
            })
            .count();
        let (command, others) = rest.split_at(count);
        commands.push(command);
        rest = others;
    }
    commands
}

/// A command that ends at the gate where it must not pass. The server works on it no longer than anybody waits for it.
fn gated(server: &Server, pass: &Pass, rows: &[Row], portion: &[usize], mode: Mode) -> RawDocumentBuf {
    let mut updates = RawArrayBuf::new();
    updates.push(pass.statement());
    let mut command =
        rawdoc! { "update": pass.collection.as_str(), "ordered": true, "maxTimeMS": server.max_time_ms() };
    command.append(cstr!("updates"), statements(updates, rows, portion, mode));
    let concern: &RawDocument = &server.write_concern.raw;
    command.append(cstr!("writeConcern"), concern);
    command
}

fn statements(mut statements: RawArrayBuf, rows: &[Row], portion: &[usize], mode: Mode) -> RawArrayBuf {
    for row in portion.iter().map(|row| &rows[*row]) {
        let mut filter = rawdoc! { "_id": row.key.as_str() };
        filter.append(guard(), rawdoc! { "$lt": row.applied });
        let mut statement = rawdoc! { "q": filter };
        statement.append(cstr!("u"), &row.document);
        statement.append(cstr!("upsert"), mode == Mode::Upsert);
        statements.push(statement);
    }
    statements
}

fn guard() -> &'static mongodb::bson::raw::CStr {
    const NAME: &mongodb::bson::raw::CStr = cstr!("_cqrs.applied");
    debug_assert_eq!(NAME.as_str(), APPLIED);
    NAME
}

#[cfg(test)]
mod tests {
    use mongodb::bson::RawBson;

    use super::*;

    fn row(bytes: usize) -> Row {
        let document = rawdoc! { "x": RawBson::String("y".repeat(bytes)) };
        Row { key: "k".to_owned(), applied: 1, document }
    }

    fn portions(rows: &[Row], most: usize) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..rows.len()).collect();
        commands(rows, &all, most).into_iter().map(<[usize]>::to_vec).collect()
    }

    #[test]
    fn commands_keep_to_the_limits_of_the_server() {
        assert!(portions(&[], 10).is_empty());
        let small: Vec<Row> = (0..5).map(|_| row(1)).collect();
        assert_eq!(portions(&small, 10), [[0, 1, 2, 3, 4]]);
        assert_eq!(portions(&small, 2), [&[0, 1][..], &[2, 3], &[4]]);
        let large =
            [row(1), row(COMMAND_BYTES), row(COMMAND_BYTES / 2), row(COMMAND_BYTES / 3), row(1 << 24)];
        assert_eq!(portions(&large, 10), [&[0][..], &[1], &[2, 3], &[4]]);
    }

    #[test]
    fn a_document_that_makes_its_command_too_large_is_found_out() {
        let full = 16 << 20;
        assert_eq!(excess(&row(full - 100), full), 0);
        let long = Row { key: "k".repeat(20_000), ..row(full - 100) };
        assert!((1..20_000).contains(&excess(&long, full)), "{}", excess(&long, full));
    }
}
