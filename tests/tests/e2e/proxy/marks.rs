//! Which requests of the stores matter.

use super::framing::Mark;

/// What a statement does.
pub(super) fn of_sql(sql: &[u8]) -> Option<Mark> {
    let has = |part: &str| sql.windows(part.len()).any(|window| window == part.as_bytes());
    if has("append_events(") {
        Some(Mark::Append)
    } else if has("commit_batch(") {
        Some(Mark::Checkpoint)
    } else {
        None
    }
}

/// What a command of MongoDB does.
pub(super) fn of_command(name: &[u8], collection: &[u8]) -> Option<Mark> {
    let writes = matches!(name, b"update" | b"insert" | b"findAndModify" | b"delete");
    match collection {
        _ if !writes => None,
        b"cqrs_checkpoints" => Some(Mark::Checkpoint),
        _ => Some(Mark::Documents),
    }
}
