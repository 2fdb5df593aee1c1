use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};
use sqlx::{PgConnection, Row as _, SqlSafeStr as _, SqlStr, postgres::PgRow};

use super::{
    documents::{statement, table},
    names,
    projection::{Known, Progressed, bind_id, partition},
    statements,
};
use crate::database::{Column as _, LOCK, Schema, Session};

/// Makes room for a projection, all or nothing, or finds that all is there. Of several processes that come at once, one
/// after the other does.
pub(super) async fn prepare(
    session: &mut Session,
    schema: &Schema,
    find: &SqlStr,
    spec: &ProjectionSpec,
) -> sqlx::Result<Result<(), Error>> {
    let query = bind_id(session.query(find), &spec.id);
    if Known::of(&session.fetch(query).await?)?.is_some_and(|known| is_ready(&known, spec)) {
        return Ok(Ok(()));
    }
    let lock = session.query(&LOCK.into_sql_str()).bind(schema.lock_key());
    let again = bind_id(session.query(find), &spec.id.whole());
    let declare = bind_id(session.query(&schema.sql(statements::DECLARE)), &spec.id)
        .bind(spec.fingerprint.cast_signed())
        .bind(spec.indexes.iter().map(|index| index.name).collect::<Vec<_>>())
        .bind(names::table(&spec.id));
    let mut transaction = session.transaction().await?;
    let prepared = async {
        lock.execute(&mut *transaction).await?;
        let known = Known::of(&again.fetch_all(&mut *transaction).await?)?;
        if known.as_ref().is_some_and(|known| !known.has_documents) {
            return Ok(Err(Error::invalid(format!(
                "{} writes tables of its own, so there is no room for its documents: take another name, or a higher version",
                spec.id
            ))));
        }
        let changes = Changes { connection: &mut transaction, schema, spec };
        if let Some(refusal) = changes.make(known.map(|known| known.indexes)).await? {
            return Ok(Err(refusal));
        }
        declare.execute(&mut *transaction).await?;
        Ok(Ok(()))
    };
    match prepared.await {
        Ok(Ok(())) => transaction.commit().await.map(Ok),
        refused => transaction.rollback().await.and(refused),
    }
}

/// Takes a build away, all or nothing: its table, and the letters and the checkpoint of itself and of its partitions; of a
/// partition only those. Answers with what was there.
///
/// The table goes first, as those who write lock it first: they are waited for, or find that it is gone.
pub(super) async fn remove(
    session: &mut Session,
    schema: &Schema,
    find: &SqlStr,
    id: &ProjectionId,
) -> sqlx::Result<Vec<(ProjectionId, Progressed)>> {
    let lock = session.query(&LOCK.into_sql_str()).bind(schema.lock_key());
    let find = bind_id(session.query(find), id);
    let removal = |row: &PgRow| {
        let progressed = Progressed { revision: row.u64(0)?, checkpoint: None };
        Ok((id.partition(partition(row, 1)?), progressed))
    };
    let remove = bind_id(session.query(&schema.sql(statements::REMOVE)), id);
    let mut transaction = session.transaction().await?;
    let removed = async {
        lock.execute(&mut *transaction).await?;
        let Some(known) = Known::of(&find.fetch_all(&mut *transaction).await?)? else {
            return Ok(Vec::new());
        };
        if known.has_documents && id.partition.is_whole() {
            let drop = statement(format!("DROP TABLE IF EXISTS {}", table(schema, id)));
            sqlx::raw_sql(drop).execute(&mut *transaction).await?;
        }
        remove.fetch_all(&mut *transaction).await?.iter().map(removal).collect::<sqlx::Result<Vec<_>>>()
    };
    match removed.await {
        Ok(removed) if !removed.is_empty() => transaction.commit().await.map(|()| removed),
        nothing => transaction.rollback().await.and(nothing),
    }
}

fn is_ready(known: &Known, spec: &ProjectionSpec) -> bool {
    known.has_documents
        && known.fingerprint == spec.fingerprint
        && known.indexes.iter().eq(spec.indexes.iter().map(|index| index.name))
}

/// What has to change in the schema, within a transaction that has the lock for it.
struct Changes<'a> {
    connection: &'a mut PgConnection,
    schema: &'a Schema,
    spec: &'a ProjectionSpec,
}

impl Changes<'_> {
    /// `known` are the indexes that were declared before; `None` where the projection is new.
    async fn make(mut self, known: Option<Vec<String>>) -> sqlx::Result<Option<Error>> {
        let is_new = known.is_none();
        let known = known.unwrap_or_default();
        if is_new {
            self.run(statements::DOCUMENTS, "").await?;
        }
        let spec = self.spec;
        let added: Vec<&str> = spec
            .indexes
            .iter()
            .map(|index| index.name)
            .filter(|name| known.iter().all(|known| known != name))
            .collect();
        if let (Some(name), false) = (added.first(), is_new) {
            // No batch comes in between, and each one that waits is told that the indexes are others.
            self.run("LOCK TABLE {schema}.{documents} IN ACCESS EXCLUSIVE MODE", "").await?;
            if self.has_documents().await? {
                return Ok(Some(Error::invalid(format!(
                    "the index `{name}` is new to the projection {}, whose documents were written without it: raise \
                     the version of the projection, and it is built anew",
                    spec.id
                ))));
            }
        }
        for name in known.iter().filter(|name| spec.indexes.iter().all(|index| index.name != **name)) {
            self.run("ALTER TABLE {schema}.{documents} DROP COLUMN {column}", name).await?;
        }
        for name in added {
            self.run(statements::INDEX, name).await?;
        }
        Ok(None)
    }

    async fn has_documents(&mut self) -> sqlx::Result<bool> {
        let table = table(self.schema, &self.spec.id);
        let sql = format!("SELECT EXISTS (SELECT FROM {table} WHERE NOT removed)");
        sqlx::query(statement(sql)).persistent(false).fetch_one(&mut *self.connection).await?.try_get(0)
    }

    async fn run(&mut self, template: &str, index: &str) -> sqlx::Result<()> {
        let parts = [
            ("schema", self.schema.quoted()),
            ("documents", names::quoted(&names::table(&self.spec.id))),
            ("column", names::quoted(&names::column(index))),
        ];
        sqlx::raw_sql(statement(filled(template, &parts))).execute(&mut *self.connection).await?;
        Ok(())
    }
}

/// Puts each part in its place, in one go: a name may look like a place.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, (part, behind))) =
        rest.split_once('{').and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        filled.push_str(before);
        let known = parts.iter().find(|(name, _)| *name == part);
        filled.push_str(known.map_or(part, |(_, text)| text));
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_place_is_left_alone() {
        let parts = [("a", "{b}".to_owned()), ("b", "{a}".to_owned())];
        assert_eq!(filled("x {a}.{b} y", &parts), "x {b}.{a} y");
    }
}
