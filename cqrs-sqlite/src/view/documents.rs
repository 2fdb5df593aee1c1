use cqrs_core::{
    envelope::{Json, Position},
    store::{ProjectionId, StoredDocument},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::names;
use crate::file::number;

pub(super) const COLUMNS: &str = "key, created, applied, data";

pub(super) fn document(row: &Row<'_>) -> rusqlite::Result<StoredDocument> {
    let data = row.get_ref(3)?.as_str_or_null()?;
    Ok(StoredDocument {
        key: row.get(0)?,
        created: Position::new(number(row, 1)?),
        applied: Position::new(number(row, 2)?),
        data: data.map(Json::from_store),
    })
}

/// Documents by their keys, traces of removed ones included. One statement for each key is as fast here as one for
/// all: there is no way to go to a database.
pub(super) fn load(
    connection: &Connection,
    projection: &ProjectionId,
    keys: &[String],
) -> rusqlite::Result<Vec<StoredDocument>> {
    let table = names::table(projection);
    let mut find = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM {table} WHERE key = ?1"))?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(find.query_row([key], document).optional()?);
    }
    Ok(found)
}
