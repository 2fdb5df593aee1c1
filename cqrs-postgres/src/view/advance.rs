use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use cqrs_core::store::{Checkpoint, Commit, CommitError, Error, ProjectionId};
use sqlx::{
    Postgres, SqlStr,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{
    PostgresViewStore,
    convert::Moment,
    projection::{Progressed, partition},
    writing::why_refused,
};
use crate::database::{Column as _, Session, integer};

/// Moves of several partitions of one build, each once, which change nothing but checkpoints.
struct Moves {
    build: ProjectionId,
    /// The indexes that this program declares.
    indexes: Vec<String>,
    each: Vec<(ProjectionId, Commit)>,
    sql: SqlStr,
}

impl PostgresViewStore {
    /// Writes bare batches, of each projection one at most: by one statement for each build. The first that was not written
    /// is the error.
    pub(super) async fn advance_all(&self, moves: &[(ProjectionId, Commit)]) -> Result<(), CommitError> {
        let builds: BTreeSet<ProjectionId> = moves.iter().map(|(id, _)| id.whole()).collect();
        let mut moved = HashSet::with_capacity(moves.len());
        let mut failures = HashMap::new();
        for build in builds {
            match self.advance_build(&build, moves).await {
                Ok(ids) => moved.extend(ids),
                Err(error) => drop(failures.insert(build, error)),
            }
        }
        let Some((id, commit)) = moves.iter().find(|(id, _)| !moved.contains(id)) else { return Ok(()) };
        if let Some(error) = failures.remove(&id.whole()) {
            return Err(error.into());
        }
        let documents = self.tables.of(id).await?;
        let indexes = documents.as_ref().map_or(&[][..], |documents| &documents.indexes);
        Err(why_refused(&self.tables, id, commit.expected, commit.checkpoint.fence, indexes).await)
    }

    /// Those of the build that were moved.
    async fn advance_build(
        &self,
        build: &ProjectionId,
        moves: &[(ProjectionId, Commit)],
    ) -> Result<Vec<ProjectionId>, Error> {
        let Some(documents) = self.tables.of(build).await? else { return Ok(Vec::new()) };
        let moves = Arc::new(Moves {
            build: build.clone(),
            indexes: documents.indexes.clone(),
            each: moves.iter().filter(|(id, _)| id.whole() == *build).cloned().collect(),
            sql: self.statements.advance_all.clone(),
        });
        let advance = self.database.run("writes checkpoints", move |session| {
            let moves = Arc::clone(&moves);
            Box::pin(async move {
                let query = moves.query(session);
                session
                    .fetch(query)
                    .await?
                    .iter()
                    .map(|row| moves.moved(row))
                    .collect::<sqlx::Result<Vec<_>>>()
            })
        });
        let advanced = advance.await?;
        let told = self.watcher.watched();
        Ok(advanced
            .into_iter()
            .flatten()
            .map(|(id, progressed)| {
                told.tell(&id, progressed);
                id
            })
            .collect())
    }
}

impl Moves {
    fn query(&self, session: &Session) -> Query<'_, Postgres, PgArguments> {
        let ProjectionId { name, version, generation, .. } = &self.build;
        session
            .query(&self.sql)
            .bind(name)
            .bind(i64::from(*version))
            .bind(i64::from(*generation))
            .bind(&self.indexes)
            .bind(self.each.iter().map(|(id, _)| id.partition.to_string()).collect::<Vec<_>>())
            .bind(self.each.iter().map(|(_, commit)| integer(commit.expected.get())).collect::<Vec<_>>())
            .bind(self.column(|to| to.log.as_uuid()))
            .bind(self.column(|to| integer(to.position.get())))
            .bind(self.column(|to| integer(to.head.get())))
            .bind(self.column(|to| Moment(to.as_of)))
            .bind(self.column(|to| to.last.map(|id| -> Uuid { id.as_uuid() })))
            .bind(self.column(|to| to.diverged))
            .bind(self.column(|to| integer(to.fence)))
            .bind(self.column(|to| to.standing.to_string()))
            .bind(self.column(|to| i64::from(to.partitions)))
    }

    fn column<T>(&self, of: impl Fn(&Checkpoint) -> T) -> Vec<T> {
        self.each.iter().map(|(_, commit)| of(&commit.checkpoint)).collect()
    }

    /// Reads a row of `advance_all.sql`.
    fn moved(&self, row: &PgRow) -> sqlx::Result<Option<(ProjectionId, Progressed)>> {
        let id = self.build.partition(partition(row, 3)?);
        let Some((_, commit)) = self.each.iter().find(|(of, _)| *of == id) else { return Ok(None) };
        let checkpoint = Checkpoint { parked: row.u64(1)?, ..commit.checkpoint };
        Ok(Some((id, Progressed { revision: row.u64(0)?, checkpoint: Some(checkpoint) })))
    }
}
