use std::time::Duration;

use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};
use rusqlite::{Connection, params};

use super::{names, projection::Known, statements};
use crate::file::{Doing, Transaction};

const DOING: &str = "prepares a projection";

/// The file has all that the projection needs.
pub(super) fn is_ready(connection: &Connection, spec: &ProjectionSpec) -> Result<bool, Error> {
    let known = Known::find(connection, &spec.id).doing(DOING)?;
    Ok(known.is_some_and(|known| {
        known.fingerprint == spec.fingerprint
            && known.indexes.iter().eq(spec.indexes.iter().map(|index| index.name))
    }))
}

/// Makes room for a projection, all or nothing.
pub(super) fn prepare(
    connection: &Connection,
    spec: &ProjectionSpec,
    patience: Duration,
) -> Result<(), Error> {
    let transaction = Transaction::immediate(connection, patience).doing(DOING)?;
    let known = Known::find(connection, &spec.id.whole()).doing(DOING)?;
    if known.is_none() {
        create(connection, spec).doing(DOING)?;
    }
    let known = known.map_or_else(Vec::new, |known| known.indexes);
    let mut added =
        spec.indexes.iter().map(|index| index.name).filter(|name| !known.iter().any(|k| k == name));
    if let Some(name) = added.clone().next()
        && has_documents(connection, spec).doing(DOING)?
    {
        return Err(Error::invalid(format!(
            "the index `{name}` is new to the projection {}, whose documents were written without it: raise the \
             version of the projection, and it is built anew",
            spec.id
        )));
    }
    for name in known.iter().filter(|name| spec.indexes.iter().all(|index| index.name != *name)) {
        drop_index(connection, spec, name).doing(DOING)?;
    }
    added.try_for_each(|name| add_index(connection, spec, name)).doing(DOING)?;
    let indexes: Vec<_> = spec.indexes.iter().map(|index| index.name).collect();
    declare(connection, spec, &serde_json::json!(indexes).to_string()).doing(DOING)?;
    transaction.commit().doing(DOING)
}

fn declare(connection: &Connection, spec: &ProjectionSpec, indexes: &str) -> rusqlite::Result<()> {
    let ProjectionId { name, version, generation, partition } = &spec.id;
    let fingerprint = spec.fingerprint.cast_signed();
    if !partition.is_whole() {
        connection
            .execute(statements::DECLARE_BUILD, params![name, version, generation, fingerprint, indexes])?;
    }
    let declared = params![name, version, generation, partition.to_string(), fingerprint, indexes];
    connection.execute(statements::DECLARE, declared)?;
    connection.execute(statements::DECLARE_FOR_ALL, params![name, version, generation, indexes])?;
    Ok(())
}

/// Takes a build away, or a partition of it, within a transaction, which is for the caller to end. Does nothing where it
/// is not there.
pub(super) fn remove(connection: &Connection, id: &ProjectionId) -> rusqlite::Result<()> {
    let ProjectionId { name, version, generation, partition } = id;
    if !partition.is_whole() {
        connection.execute(statements::REMOVE, params![name, version, generation, partition.to_string()])?;
    } else if connection.execute(statements::REMOVE_PARTITIONS, params![name, version, generation])? > 0 {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {}", names::table(id)))?;
    }
    Ok(())
}

fn create(connection: &Connection, spec: &ProjectionSpec) -> rusqlite::Result<()> {
    let table = names::table(&spec.id);
    let index = names::index(&spec.id, "");
    connection.execute_batch(&statements::DOCUMENTS.replace("{documents}", &table))?;
    connection.execute_batch(&format!("CREATE INDEX {index} ON {table} (created, key) WHERE removed = 0"))
}

fn has_documents(connection: &Connection, spec: &ProjectionSpec) -> rusqlite::Result<bool> {
    let table = names::table(&spec.id);
    connection
        .query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE removed = 0)"), [], |row| row.get(0))
}

/// One SQLite index to sort by the value, and one to sort what has the same value by its creation.
fn add_index(connection: &Connection, spec: &ProjectionSpec, name: &str) -> rusqlite::Result<()> {
    let (table, column) = (names::table(&spec.id), names::column(name));
    let [by_key, by_created] = sqlite_indexes(spec, name);
    connection.execute_batch(&format!(
        "ALTER TABLE {table} ADD COLUMN {column};
         CREATE INDEX {by_key} ON {table} ({column}, key) WHERE removed = 0;
         CREATE INDEX {by_created} ON {table} ({column}, created, key) WHERE removed = 0;"
    ))
}

fn drop_index(connection: &Connection, spec: &ProjectionSpec, name: &str) -> rusqlite::Result<()> {
    let (table, column) = (names::table(&spec.id), names::column(name));
    let [by_key, by_created] = sqlite_indexes(spec, name);
    connection.execute_batch(&format!(
        "DROP INDEX {by_key}; DROP INDEX {by_created}; ALTER TABLE {table} DROP COLUMN {column};"
    ))
}

fn sqlite_indexes(spec: &ProjectionSpec, name: &str) -> [String; 2] {
    ["key", "created"].map(|order| names::index(&spec.id, &format!("{name} {order}")))
}
