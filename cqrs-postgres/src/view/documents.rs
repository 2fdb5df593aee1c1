use cqrs_core::{
    envelope::Position,
    store::{ProjectionId, StoredDocument},
};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr, postgres::PgRow};

use super::{
    commit,
    convert::json,
    names,
    projection::{PROGRESS, Progressed, bind_id},
};
use crate::database::{Column as _, Schema, Session};

/// The table of a projection's documents, as this program uses it. See `docs/adr/0015-views-on-postgresql.md`.
#[derive(Debug)]
pub(super) struct Documents {
    /// The build.
    pub(super) projection: ProjectionId,
    /// The indexes, in the order in which this program gives their values.
    pub(super) indexes: Vec<String>,
    pub(super) write: commit::Statements,
    /// The table, with its schema, quoted.
    pub(super) table: String,
    schema: Schema,
    load: SqlStr,
    get: SqlStr,
}

/// What is read of a document.
pub(super) const COLUMNS: &str = "key, created, applied, data";

impl Documents {
    pub(super) fn new(schema: &Schema, projection: ProjectionId, indexes: Vec<String>) -> Self {
        let table = table(schema, &projection);
        let load = statement(format!("SELECT {COLUMNS} FROM {table} WHERE key = ANY($1)"));
        let get = format!("SELECT {COLUMNS} FROM {table} WHERE key = $5 AND NOT removed");
        Self {
            write: commit::Statements::new(schema, &table, &indexes),
            get: beside_progress(schema, &get, ""),
            schema: schema.clone(),
            projection,
            indexes,
            table,
            load,
        }
    }

    /// Documents by their keys, traces of removed ones included.
    pub(super) async fn load(
        &self,
        session: &mut Session,
        keys: &[String],
    ) -> sqlx::Result<Vec<StoredDocument>> {
        let query = session.query(&self.load).bind(keys);
        let rows = session.fetch(query).await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }

    /// A document that is not removed, and how far the build has come, or the partition of it that is named; `None` where that
    /// is not known.
    pub(super) async fn get(
        &self,
        session: &mut Session,
        projection: &ProjectionId,
        key: &str,
    ) -> sqlx::Result<Option<(Vec<StoredDocument>, Progressed)>> {
        let query = bind_id(session.query(&self.get), projection).bind(key);
        with_progress(&session.fetch(query).await?)
    }

    /// A [select](beside_progress) of documents beside the projection's progress.
    pub(super) fn beside_progress(&self, select: &str, order: &str) -> SqlStr {
        beside_progress(&self.schema, select, order)
    }
}

pub(super) fn table(schema: &Schema, projection: &ProjectionId) -> String {
    format!("{}.{}", schema.quoted(), names::quoted(&names::table(projection)))
}

/// Reads progress and documents in one statement, so that both are of one state of the database: one row at least,
/// where the projection is known. `select` yields the [`COLUMNS`] of what is `document` in `order`.
fn beside_progress(schema: &Schema, select: &str, order: &str) -> SqlStr {
    let columns =
        COLUMNS.split(", ").map(|column| format!("document.{column}")).collect::<Vec<_>>().join(", ");
    let schema = schema.quoted();
    statement(format!(
        "SELECT {PROGRESS}, {columns} FROM {schema}.projections LEFT JOIN LATERAL ({select}) AS document ON TRUE
         WHERE name = $1 AND version = $2 AND generation = $3 AND partition = $4{order}"
    ))
}

/// Reads the rows of [`Documents::beside_progress`].
pub(super) fn with_progress(rows: &[PgRow]) -> sqlx::Result<Option<(Vec<StoredDocument>, Progressed)>> {
    const FIRST: usize = 11;
    let Some(row) = rows.first() else { return Ok(None) };
    let progress = Progressed::of(row)?;
    if row.bytes(FIRST)?.is_none() {
        return Ok(Some((Vec::new(), progress)));
    }
    let documents = rows.iter().map(|row| document(row, FIRST)).collect::<sqlx::Result<_>>()?;
    Ok(Some((documents, progress)))
}

/// A statement of our own making: names in it are quoted, and values are parameters.
pub(super) fn statement(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

fn document(row: &PgRow, first: usize) -> sqlx::Result<StoredDocument> {
    Ok(StoredDocument {
        key: row.text(first)?.to_owned(),
        created: Position::new(row.u64(first + 1)?),
        applied: Position::new(row.u64(first + 2)?),
        data: json(row, first + 3)?,
    })
}
