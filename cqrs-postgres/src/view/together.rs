//! Batches of several partitions of a build, written by one statement.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use cqrs_core::store::{Checkpoint, Commit, CommitError, Error, ProjectionId};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{
    PostgresViewStore,
    commit::{Batch, Rows, bind_rows},
    convert::Moment,
    documents::Documents,
    fit::{self, MAX_STATEMENT},
    projection::{Progressed, partition},
    store::unless_changed,
    writing::{DOING, Writing, is_unfit, never_prepared},
};
use crate::database::{Column as _, Session, integer};

/// Batches that go into one statement, each of another partition of one build.
#[derive(Debug, Default)]
struct Group {
    batches: Vec<(usize, Arc<Writing>)>,
    bytes: usize,
}

/// What became of a group.
enum Outcome {
    /// These were written.
    Written(Vec<(ProjectionId, Progressed)>),
    /// The server can't take one of the documents.
    Unfit,
}

type Answer = Result<(), CommitError>;

impl PostgresViewStore {
    /// A batch, arranged for its statements.
    pub(super) async fn arrange(
        &self,
        projection: &ProjectionId,
        commit: Commit,
    ) -> Result<Arc<Writing>, CommitError> {
        let Some(documents) = self.tables.written(projection).await? else {
            return Err(never_prepared(projection).into());
        };
        let batch = fit::batch(&documents, projection, commit, self.document_bytes)?;
        Ok(Arc::new(Writing { documents, batch, statements: Arc::clone(&self.statements) }))
    }

    /// Writes one by itself.
    pub(super) async fn write(&self, writing: Arc<Writing>) -> Answer {
        let progressed = Arc::clone(&writing).run(&self.database, &self.tables).await?;
        self.watcher.watched().tell(&writing.batch.projection, progressed);
        Ok(())
    }

    /// Writes batches, of each projection one at most.
    pub(super) async fn write_together(&self, batches: Vec<(ProjectionId, Commit)>) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = batches.iter().map(|_| None).collect();
        let mut groups: HashMap<ProjectionId, Vec<Group>> = HashMap::new();
        let mut alone = Vec::new();
        for (nth, (id, commit)) in batches.into_iter().enumerate() {
            match self.arrange(&id, commit).await {
                Err(error) => answers[nth] = Some(Err(error)),
                Ok(writing) if writing.batch.letters.is_some() || writing.batch.documents.len() > 1 => {
                    alone.push((nth, writing));
                }
                Ok(writing) => add(groups.entry(id.whole()).or_default(), nth, writing),
            }
        }
        for group in groups.into_values().flatten() {
            let batches = group.batches.clone();
            match self.write_group(Arc::new(group)).await {
                Ok(Outcome::Unfit) => alone.extend(batches),
                Ok(Outcome::Written(moved)) => {
                    let moved: HashSet<ProjectionId> = moved.into_iter().map(|(id, _)| id).collect();
                    for (nth, writing) in batches {
                        let is_written = moved.contains(&writing.batch.projection);
                        let refused = || writing.why_refused(&self.tables);
                        answers[nth] = Some(if is_written { Ok(()) } else { Err(refused().await) });
                    }
                }
                Err(error) => {
                    for (nth, _) in batches {
                        answers[nth] = Some(Err(error.clone().into()));
                    }
                }
            }
        }
        for (nth, writing) in alone {
            answers[nth] = Some(self.write(writing).await);
        }
        answers.into_iter().map(|answer| answer.expect("each batch is in a group, or alone")).collect()
    }

    async fn write_group(&self, group: Arc<Group>) -> Result<Outcome, Error> {
        let outcome = self.database.run(DOING, move |session| {
            let group = Arc::clone(&group);
            Box::pin(async move { group.write(session).await })
        });
        let outcome = outcome.await?;
        if let Outcome::Written(written) = &outcome {
            let told = self.watcher.watched();
            for (id, progressed) in written {
                told.tell(id, *progressed);
            }
        }
        Ok(outcome)
    }
}

/// Adds a batch to the last group, as long as that is no longer than a statement may be.
fn add(groups: &mut Vec<Group>, nth: usize, writing: Arc<Writing>) {
    let bytes: usize = writing.batch.documents.iter().map(Rows::bytes).sum();
    let room = groups.last_mut().filter(|group| group.bytes + bytes <= MAX_STATEMENT);
    let group = match room {
        Some(group) => group,
        None => {
            groups.push(Group::default());
            groups.last_mut().expect("it was pushed")
        }
    };
    group.bytes += bytes;
    group.batches.push((nth, writing));
}

impl Group {
    async fn write(&self, session: &mut Session) -> sqlx::Result<Outcome> {
        let Some((_, first)) = self.batches.first() else { return Ok(Outcome::Written(Vec::new())) };
        let query = self.query(session, &first.documents);
        match unless_changed(session.fetch(query).await) {
            Ok(Ok(rows)) => {
                let written = rows.iter().map(|row| self.written(row)).collect::<sqlx::Result<Vec<_>>>()?;
                Ok(Outcome::Written(written.into_iter().flatten().collect()))
            }
            // The build was removed, or made anew: none was written.
            Ok(Err(_)) => Ok(Outcome::Written(Vec::new())),
            Err(error) if is_unfit(&error) => Ok(Outcome::Unfit),
            Err(error) => Err(error),
        }
    }

    fn query<'q>(&'q self, session: &Session, documents: &'q Documents) -> Query<'q, Postgres, PgArguments> {
        let ProjectionId { name, version, generation, .. } = &documents.projection;
        let rows: Vec<&Rows> = self.each().flat_map(|batch| &batch.documents).collect();
        let query = session
            .query(&documents.write.commit_all[usize::from(!rows.is_empty())])
            .bind(name)
            .bind(i64::from(*version))
            .bind(i64::from(*generation))
            .bind(&documents.indexes)
            .bind(self.each().map(|batch| batch.projection.partition.to_string()).collect::<Vec<_>>())
            .bind(self.each().map(|batch| integer(batch.expected.get())).collect::<Vec<_>>())
            .bind(self.column(|to| to.log.as_uuid()))
            .bind(self.column(|to| integer(to.position.get())))
            .bind(self.column(|to| integer(to.head.get())))
            .bind(self.column(|to| Moment(to.as_of)))
            .bind(self.column(|to| to.last.map(|id| -> Uuid { id.as_uuid() })))
            .bind(self.column(|to| to.diverged))
            .bind(self.column(|to| integer(to.fence)))
            .bind(self.column(|to| to.standing.to_string()))
            .bind(self.column(|to| i64::from(to.partitions)));
        if rows.is_empty() {
            return query;
        }
        let of = self.each().flat_map(|batch| {
            let partition = batch.projection.partition.to_string();
            batch.documents.iter().flat_map(|rows| &rows.keys).map(move |_| partition.clone())
        });
        bind_rows(query, &rows).bind(of.collect::<Vec<_>>())
    }

    fn each(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().map(|(_, writing)| &writing.batch)
    }

    fn column<T>(&self, of: impl Fn(&Checkpoint) -> T) -> Vec<T> {
        self.each().map(|batch| of(&batch.checkpoint)).collect()
    }

    /// Reads a row of the answer.
    fn written(&self, row: &PgRow) -> sqlx::Result<Option<(ProjectionId, Progressed)>> {
        let partition = partition(row, 3)?;
        let Some(batch) = self.each().find(|batch| batch.projection.partition == partition) else {
            return Ok(None);
        };
        let checkpoint = Checkpoint { parked: row.u64(1)?, ..batch.checkpoint };
        Ok(Some((
            batch.projection.clone(),
            Progressed { revision: row.u64(0)?, checkpoint: Some(checkpoint) },
        )))
    }
}

#[cfg(test)]
mod tests {
    use cqrs_core::{
        envelope::{Json, LogId, Position},
        store::{Partition, Standing},
    };
    use jiff::Timestamp;

    use super::{super::statements::Statements, *};
    use crate::database::Schema;

    /// A document of so many bytes, of one partition.
    fn writing(partition: Partition, bytes: usize) -> Arc<Writing> {
        let schema = Schema::new("views").expect("a plain name");
        let build = ProjectionId::new("orders", 1);
        let checkpoint = Checkpoint {
            log: LogId::from_uuid(Uuid::nil()),
            position: Position::new(1),
            last: None,
            diverged: false,
            head: Position::new(1),
            as_of: Timestamp::UNIX_EPOCH,
            parked: 0,
            fence: 1,
            standing: Standing::Live,
            partitions: 4,
        };
        let rows = Rows {
            keys: vec!["a".to_owned()],
            created: vec![1],
            applied: vec![1],
            data: vec![Some(Json::from_store(" ".repeat(bytes)))],
            indexes: Vec::new(),
        };
        let batch = Batch {
            projection: build.partition(partition),
            expected: Position::ZERO,
            checkpoint,
            documents: vec![rows],
            letters: None,
        };
        let documents = Arc::new(Documents::new(&schema, build, Vec::new()));
        Arc::new(Writing { documents, batch, statements: Arc::new(Statements::new(&schema)) })
    }

    fn grouped(bytes: [usize; 4]) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        for (nth, (partition, bytes)) in Partition::all(4).zip(bytes).enumerate() {
            add(&mut groups, nth, writing(partition, bytes));
        }
        groups.iter().map(|group| group.batches.iter().map(|(nth, _)| *nth).collect()).collect()
    }

    #[test]
    fn batches_go_into_one_statement_as_long_as_it_is_not_too_long() {
        let half = MAX_STATEMENT / 2;
        assert_eq!(grouped([1, 1, 1, 1]), [[0, 1, 2, 3]]);
        assert_eq!(grouped([half, half, half, half]), [[0, 1], [2, 3]]);
        assert_eq!(grouped([half, half + 1, 1, half]), [vec![0], vec![1, 2], vec![3]]);
        // One that is too long by itself is a statement by itself.
        assert_eq!(grouped([1, MAX_STATEMENT + 1, 1, 1]), [vec![0], vec![1], vec![2, 3]]);
    }
}
