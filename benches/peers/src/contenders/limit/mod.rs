//! What PostgreSQL can do at the most: the least statements, on the least table that could be called a log, sent by the
//! leanest client.

mod connections;
mod grouped;
mod insert;
mod load;
mod project;
mod transaction;

pub(crate) use grouped::Grouped;
pub(crate) use insert::BareInsert;
pub(crate) use load::BareLoad;
pub(crate) use project::BulkUpsert;
pub(crate) use transaction::Transaction;

/// A position, a key and the data.
const LOG: &str = "CREATE TABLE log (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream uuid NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    data text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream, version))";

const INSERT: &str = "INSERT INTO log (stream, version, name, data) VALUES ($1, $2, $3, $4)";

/// The versions of each stream in the log.
const VERSIONS: &str = "SELECT count(*), min(version), max(version) FROM log GROUP BY stream";

/// The name of the event with this number.
const fn name(number: u32) -> &'static str {
    if number == 0 { "order_placed" } else { "line_added" }
}

/// What every contender serialises for a command, the limits serialise too.
fn data(number: u32) -> Result<String, serde_json::Error> {
    serde_json::to_string(&peers_harness::Line::sample(number))
}
