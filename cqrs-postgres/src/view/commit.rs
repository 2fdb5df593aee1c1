use std::fmt::Write as _;

use cqrs_core::{
    domain::IndexValue,
    envelope::{Json, Position},
    store::{Checkpoint, ProjectionId},
};
use sqlx::{
    Postgres, SqlStr,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{
    convert::Moment,
    dead_letter::Letters,
    documents::{Documents, statement},
    names,
    projection::{Progressed, bind_id},
    statements, value,
};
use crate::database::{Column as _, Schema, Session, Text, integer};

/// The statements that write batches of one projection.
#[derive(Debug)]
pub(super) struct Statements {
    /// Without documents and letters, with documents, with letters, with both.
    commit: [SqlStr; 4],
    /// Of several partitions, without letters: without documents, with documents.
    pub(super) commit_all: [SqlStr; 2],
    /// Writes documents ahead, of a batch that is too long for one statement.
    upsert: SqlStr,
}

/// The values of `advance.sql`, as of `advance_all.sql`, and those of `park.sql` and `resolve.sql`, which come next.
const ADVANCE_VALUES: usize = 15;
const LETTER_VALUES: usize = 15;

impl Statements {
    pub(super) fn new(schema: &Schema, table: &str, indexes: &[String]) -> Self {
        let columns: Vec<String> = indexes.iter().map(|index| names::quoted(&names::column(index))).collect();
        let part = |template| schema.sql(template).as_str().trim_end().to_owned();
        let advance = part(statements::ADVANCE);
        let newly_parked =
            format!("({}) - ({})", part(statements::NEWLY_PARKED), part(statements::PARKED_NO_MORE));
        let tell = part(statements::TELL);
        let commit = |documents: bool, letters: bool| {
            let parked = if letters { &newly_parked } else { "0" };
            let mut sql = format!("WITH advanced AS (\n{}\n)", advance.replace("{parked}", parked));
            let mut first = ADVANCE_VALUES + 1;
            if letters {
                let [park, resolve] = [statements::PARK, statements::RESOLVE].map(part);
                write!(sql, ", parked AS (\n{park}\n), resolved AS (\n{resolve}\n)").expect(STRING);
                first += LETTER_VALUES;
            }
            if documents {
                let upsert = upsert(table, &columns, From::Advanced, first);
                write!(sql, ", documents AS (\n{upsert}\n)").expect(STRING);
            }
            write!(sql, "\nSELECT revision, parked, {tell} FROM advanced").expect(STRING);
            statement(sql)
        };
        let advance_all = part(statements::ADVANCE_ALL);
        let commit_all = |documents: bool| {
            let mut sql = format!("WITH advanced AS (\n{advance_all}\n)");
            if documents {
                let upsert = upsert(table, &columns, From::AdvancedPartitions, ADVANCE_VALUES + 1);
                write!(sql, ", documents AS (\n{upsert}\n)").expect(STRING);
            }
            write!(sql, "\nSELECT revision, parked, {tell}, partition FROM advanced").expect(STRING);
            statement(sql)
        };
        Self {
            commit_all: [commit_all(false), commit_all(true)],
            commit: [commit(false, false), commit(true, false), commit(false, true), commit(true, true)],
            upsert: statement(upsert(table, &columns, From::Values, 1)),
        }
    }
}

const STRING: &str = "a string takes all";

/// Which documents are written.
#[derive(Clone, Copy)]
enum From {
    /// All whose values there are.
    Values,
    /// The same, where the projection was moved on.
    Advanced,
    /// Those of partitions that were moved on; which one each belongs to is the last of its values.
    AdvancedPartitions,
}

/// Writes documents, whose values begin at this place. Where all indexed values are the same, no index is touched.
fn upsert(table: &str, columns: &[String], from: From, first: usize) -> String {
    let [mut names, mut values, mut updates] = [const { String::new() }; 3];
    for (nth, column) in columns.iter().enumerate() {
        write!(names, ", {column}").expect(STRING);
        write!(values, ", ${}::bytea[]", first + 4 + nth).expect(STRING);
        write!(updates, ", {column} = excluded.{column}").expect(STRING);
    }
    let [key, created, applied, data] = [0, 1, 2, 3].map(|nth| first + nth);
    let place = first + 4 + columns.len();
    let (advanced, of_value, of, on) = match from {
        From::Values => ("", String::new(), "", ""),
        From::Advanced => ("advanced, ", String::new(), "", ""),
        From::AdvancedPartitions => {
            ("advanced JOIN ", format!(", ${place}::text[]"), ", of", " ON document.of = advanced.partition")
        }
    };
    format!(
        "INSERT INTO {table} (key, created, applied, removed, data{names})
         SELECT key, created, applied, data IS NULL, data{names}
         FROM {advanced}unnest(
             ${key}::text[], ${created}::bigint[], ${applied}::bigint[], ${data}::json[]{values}{of_value}
         ) AS document (key, created, applied, data{names}{of}){on}
         ON CONFLICT (key) DO UPDATE
         SET created = excluded.created, applied = excluded.applied, removed = excluded.removed,
             data = excluded.data{updates}"
    )
}

/// A batch within the store's limits.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) projection: ProjectionId,
    pub(super) expected: Position,
    pub(super) checkpoint: Checkpoint,
    /// Each no longer than a statement may be.
    pub(super) documents: Vec<Rows>,
    pub(super) letters: Option<Letters>,
}

/// Documents, column by column.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) keys: Vec<String>,
    pub(super) created: Vec<i64>,
    pub(super) applied: Vec<i64>,
    pub(super) data: Vec<Option<Json>>,
    /// A column for each declared index.
    pub(super) indexes: Vec<Vec<Option<Vec<u8>>>>,
}

impl Rows {
    pub(super) fn push_values(&mut self, values: Option<&[IndexValue]>) {
        for (nth, column) in self.indexes.iter_mut().enumerate() {
            column.push(values.and_then(|values| values.get(nth)).map(value::stored));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.data.iter().flatten().map(Json::len).sum()
    }

    fn bind<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        bind_rows(query, &[self])
    }
}

/// Binds the documents of several as one.
pub(super) fn bind_rows<'q>(
    query: Query<'q, Postgres, PgArguments>,
    all: &[&'q Rows],
) -> Query<'q, Postgres, PgArguments> {
    let text = |data: &'q Option<Json>| data.as_ref().map(|data| Text(data.as_str()));
    let keys: Vec<&'q str> = all.iter().flat_map(|rows| rows.keys.iter().map(String::as_str)).collect();
    let created: Vec<i64> = all.iter().flat_map(|rows| rows.created.iter().copied()).collect();
    let applied: Vec<i64> = all.iter().flat_map(|rows| rows.applied.iter().copied()).collect();
    let data: Vec<Option<Text<'q>>> = all.iter().flat_map(|rows| rows.data.iter().map(text)).collect();
    let query = query.bind(keys).bind(created).bind(applied).bind(data);
    let columns = all.first().map_or(0, |rows| rows.indexes.len());
    (0..columns).fold(query, |query, nth| {
        let column: Vec<Option<&'q [u8]>> =
            all.iter().flat_map(|rows| rows.indexes[nth].iter().map(Option::as_deref)).collect();
        query.bind(column)
    })
}

impl Batch {
    /// Writes it, and says how far the projection is now; `None` where the batch is refused, and nothing was
    /// written.
    pub(super) async fn write(
        &self,
        session: &mut Session,
        documents: &Documents,
        lock: &SqlStr,
    ) -> sqlx::Result<Option<Progressed>> {
        let commit = self.query(session, documents);
        let ahead = self.documents.split_last().map_or(&[][..], |(_, ahead)| ahead);
        let lock = self.counts_in_place().then(|| bind_id(session.query(lock), &self.projection));
        let rows = if ahead.is_empty() && lock.is_none() {
            session.fetch(commit).await?
        } else {
            let upserts = ahead
                .iter()
                .map(|rows| rows.bind(session.query(&documents.write.upsert)))
                .collect::<Vec<_>>();
            let mut transaction = session.transaction().await?;
            let written = async {
                if let Some(lock) = lock {
                    lock.execute(&mut *transaction).await?;
                }
                for upsert in upserts {
                    upsert.execute(&mut *transaction).await?;
                }
                commit.fetch_all(&mut *transaction).await
            };
            match written.await {
                Ok(rows) if !rows.is_empty() => transaction.commit().await.map(|()| rows)?,
                refused => transaction.rollback().await.and(refused)?,
            }
        };
        self.progressed(&rows)
    }

    /// It changes the number of parked events where nothing tells it from itself delivered twice. As the statement counts
    /// what was there when it began, it is not to begin before the one that came first has ended.
    fn counts_in_place(&self) -> bool {
        self.letters.is_some() && self.checkpoint.position == self.expected
    }

    /// The statement that writes all but the documents that go ahead.
    pub(super) fn query<'q>(
        &'q self,
        session: &Session,
        documents: &'q Documents,
    ) -> Query<'q, Postgres, PgArguments> {
        let last = self.documents.last();
        let place = usize::from(last.is_some()) + 2 * usize::from(self.letters.is_some());
        let mut commit = self.bind_advance(session.query(&documents.write.commit[place]), documents);
        if let Some(letters) = &self.letters {
            commit = letters.bind(commit);
        }
        if let Some(rows) = last {
            commit = rows.bind(commit);
        }
        commit
    }

    /// How far the projection is now, going by the answer to [`query`](Self::query).
    pub(super) fn progressed(&self, rows: &[PgRow]) -> sqlx::Result<Option<Progressed>> {
        let Some(row) = rows.first() else { return Ok(None) };
        let checkpoint = Checkpoint { parked: row.u64(1)?, ..self.checkpoint };
        Ok(Some(Progressed { revision: row.u64(0)?, checkpoint: Some(checkpoint) }))
    }

    fn bind_advance<'q>(
        &'q self,
        query: Query<'q, Postgres, PgArguments>,
        documents: &'q Documents,
    ) -> Query<'q, Postgres, PgArguments> {
        let Checkpoint { log, position, last, diverged, head, as_of, parked: _, fence, standing, partitions } =
            self.checkpoint;
        let last: Option<Uuid> = last.map(|id| id.as_uuid());
        bind_id(query, &self.projection)
            .bind(integer(self.expected.get()))
            .bind(log.as_uuid())
            .bind(integer(position.get()))
            .bind(integer(head.get()))
            .bind(Moment(as_of))
            .bind(last)
            .bind(diverged)
            .bind(integer(fence))
            .bind(standing.to_string())
            .bind(i64::from(partitions))
            .bind(&documents.indexes)
    }
}
