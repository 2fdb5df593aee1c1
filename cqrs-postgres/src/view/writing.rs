use std::sync::Arc;

use cqrs_core::{
    envelope::{Json, Position},
    store::{CommitError, Error, ProjectionId},
};
use sqlx::{Row as _, error::DatabaseError};

use super::{
    commit::Batch, documents::Documents, fit::unfit, projection::Progressed, statements::Statements,
    store::unless_changed, tables::Tables,
};
use crate::database::{Column as _, Database, Failure, Session};

pub(super) const DOING: &str = "writes a batch of a projection";

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) documents: Arc<Documents>,
    pub(super) batch: Batch,
    pub(super) statements: Arc<Statements>,
}

/// What became of it.
#[derive(Debug)]
enum Outcome {
    Written(Progressed),
    /// The projection is not as the batch's writer thinks.
    Refused,
    /// The server can't take one of the documents.
    Unfit(sqlx::Error),
}

impl Writing {
    /// Writes it, once at most: where the answer was lost, the batch is no longer what comes next.
    pub(super) async fn run(
        self: Arc<Self>,
        database: &Database,
        tables: &Tables,
    ) -> Result<Progressed, CommitError> {
        let writing = Arc::clone(&self);
        let outcome = database.run(DOING, move |session| {
            let writing = Arc::clone(&writing);
            Box::pin(async move { writing.attempt(session).await })
        });
        match outcome.await? {
            Outcome::Written(progressed) => Ok(progressed),
            Outcome::Refused => Err(self.why_refused(tables).await),
            Outcome::Unfit(error) => {
                let writing = Arc::clone(&self);
                let culprit = database.run(DOING, move |session| {
                    let writing = Arc::clone(&writing);
                    Box::pin(async move { writing.first_unfit(session).await })
                });
                let culprit: Option<CommitError> = culprit.await?;
                let failure = Failure::new(DOING, error).at(database.place());
                Err(culprit.unwrap_or_else(|| Error::from(failure).into()))
            }
        }
    }

    async fn attempt(&self, session: &mut Session) -> sqlx::Result<Outcome> {
        match unless_changed(self.batch.write(session, &self.documents, &self.statements.lock).await) {
            Ok(Ok(Some(progressed))) => Ok(Outcome::Written(progressed)),
            Ok(Ok(None) | Err(_)) => Ok(Outcome::Refused),
            Err(error) => {
                if is_unfit(&error) {
                    Ok(Outcome::Unfit(error))
                } else {
                    Err(error)
                }
            }
        }
    }

    async fn first_unfit(&self, session: &mut Session) -> sqlx::Result<Option<CommitError>> {
        for rows in &self.batch.documents {
            let texts: Vec<_> = rows.data.iter().map(|data| data.as_ref().map(Json::as_str)).collect();
            let query = session.query(&self.statements.first_unfit).bind(texts);
            let found = session.fetch(query).await?;
            let Some(row) = found.first() else { continue };
            let Some(nth) = row.try_get::<Option<i32>, _>(0)? else { continue };
            let place = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1));
            if let Some(key) = place.and_then(|place| rows.keys.get(place)) {
                let reason = format!("PostgreSQL's type `json` does not take it: {}", row.text(1)?);
                return Ok(Some(unfit(self.batch.projection.clone(), key, reason)));
            }
        }
        Ok(None)
    }

    pub(super) async fn why_refused(&self, tables: &Tables) -> CommitError {
        let Batch { projection, expected, checkpoint, .. } = &self.batch;
        why_refused(tables, projection, *expected, checkpoint.fence, &self.documents.indexes).await
    }
}

/// Whether the server can't take what was to be written: data exceptions, and program limits.
pub(super) fn is_unfit(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| ["22", "54"].iter().any(|class| code.starts_with(class)))
}

/// Why a batch was not written that begins at this position, by a writer with this fencing number who declares these indexes.
pub(super) async fn why_refused(
    tables: &Tables,
    projection: &ProjectionId,
    expected: Position,
    fence: u64,
    indexes: &[String],
) -> CommitError {
    let known = match tables.look(projection).await {
        Ok(Some(known)) => known,
        Ok(None) => return never_prepared(projection).into(),
        Err(error) => return error.into(),
    };
    let newest = known.progress.fence();
    if fence < newest {
        return CommitError::Fenced { projection: projection.clone(), fence, newest };
    }
    let all_in = |these: &[String], those: &[String]| these.iter().all(|index| those.contains(index));
    if all_in(&known.indexes, indexes) && all_in(indexes, &known.indexes) {
        let actual = known.progress.position();
        return CommitError::Superseded { projection: projection.clone(), expected, actual };
    }
    Error::invalid(format!(
        "another program has prepared {projection} with the indexes {:?}, but this one declares {indexes:?}",
        known.indexes
    ))
    .into()
}

pub(super) fn never_prepared(projection: &ProjectionId) -> Error {
    Error::invalid(format!("the projection {projection} was never prepared: call `prepare` first"))
}
