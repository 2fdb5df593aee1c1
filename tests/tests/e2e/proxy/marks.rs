//! Which requests of the stores matter.

use super::framing::{Mark, contains};

/// What a statement does.
pub(super) fn of_sql(sql: &[u8]) -> &'static [Mark] {
    let has = |part: &str| contains(sql, part.as_bytes());
    // A call of the function, and the one statement that writes a batch of a projection.
    if has(".append(") && has("known_commands") {
        &[Mark::Append]
    } else if has("WITH advanced AS (") && has("documents AS (") {
        &[Mark::Documents, Mark::Checkpoint]
    } else if has("WITH advanced AS (") {
        &[Mark::Checkpoint]
    } else {
        &[]
    }
}

/// What a command of MongoDB does.
pub(super) fn of_command(name: &[u8], collection: &[u8]) -> Option<Mark> {
    let writes = matches!(name, b"update" | b"insert" | b"findAndModify" | b"delete");
    match collection {
        _ if !writes => None,
        b"_cqrs_checkpoints" => Some(Mark::Checkpoint),
        own if own.starts_with(b"_cqrs") => None,
        _ => Some(Mark::Documents),
    }
}
