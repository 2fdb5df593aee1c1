//! How a batch is written. See docs/adr/0012-mongodb-guarded-writes.md.

use cqrs_core::store::{Checkpoint, Commit, CommitError, Error, ProjectionId};
use mongodb::bson::{Bson, Document, doc};

use crate::{
    document::{Layout, Row, integer},
    error::unavailable,
    known::{self, Known, written},
    letters::Parking,
    names::{self, CHECKPOINTS},
    prepare,
    rows::{self, Mode},
    server::Server,
};

const DOING: &str = "writes a checkpoint";

/// How often the checkpoint is tried to be moved on while the projection's declaration changes.
const ATTEMPTS: usize = 5;

/// What writes batches of a projection.
pub(crate) struct Writer<'a> {
    pub(crate) server: &'a Server,
    pub(crate) projection: &'a ProjectionId,
    /// The indexes in the order in which this program declares them; `None` where it has not.
    pub(crate) declared: Option<&'a [String]>,
    /// The most bytes that a document may have.
    pub(crate) limit: usize,
}

/// A batch that fits, and what it was found to fit on.
pub(crate) struct Ready {
    pub(crate) known: Known,
    pub(crate) rows: Vec<Row>,
    /// Without its documents, which are the rows.
    pub(crate) commit: Commit,
}

impl Writer<'_> {
    /// Finds out whether a batch may be written, and lays its documents out.
    pub(crate) async fn ready(&self, mut commit: Commit) -> Result<Ready, CommitError> {
        let known = self.known(&commit).await?;
        let indexes = self.declared.unwrap_or(&known.indexes);
        let layout = Layout { projection: self.projection, indexes, limit: self.limit };
        let mut rows = Vec::with_capacity(commit.documents.len());
        for document in std::mem::take(&mut commit.documents) {
            let row = layout.row(document)?;
            let excess = rows::excess(&row, self.server.limits.document_bytes);
            if excess > 0 {
                let size = row.document.as_bytes().len();
                return Err(Layout { limit: size.saturating_sub(excess), ..layout }.too_large(row.key, size));
            }
            rows.push(row);
        }
        Ok(Ready { known, rows, commit })
    }

    /// Writes a batch without a transaction: documents first, each guarded by the position that it has applied, and the
    /// checkpoint last. Answers with the new checkpoint.
    pub(crate) async fn guarded(&self, mut ready: Ready) -> Result<Checkpoint, CommitError> {
        for _ in 0..ATTEMPTS {
            self.rows(&ready.rows).await?;
            let parking = Parking::of(self.server, self.projection, &ready, false).await?;
            parking.write(self.server, self.projection, &ready.known).await.map_err(Error::from)?;
            let (filter, change) = self.advance(&ready, &parking);
            let collection = self.server.own(CHECKPOINTS);
            let work = async move { collection.update_one(filter, change).await };
            let moved = self.server.call(DOING, work).await.map_err(Error::from)?;
            if moved.matched_count == 1 {
                return Ok(ready.checkpoint(&parking));
            }
            ready.known = self.known(&ready.commit).await?;
        }
        Err(self.declared_anew())
    }

    async fn rows(&self, rows: &[Row]) -> Result<(), CommitError> {
        let collection = names::documents(self.projection);
        let outcome = rows::write(self.server, &collection, rows, Mode::Upsert).await;
        let outcome = outcome.map_err(Error::from)?;
        if let Some((at, why)) = outcome.refused {
            return Err(self.unfit(&rows[at], why));
        }
        if outcome.known.is_empty() {
            return Ok(());
        }
        // The database has these documents: in a state that is as new, or in an older one which another writer has put
        // there between the server's look and its insert.
        let again: Vec<Row> = outcome.known.iter().map(|at| rows[*at].clone()).collect();
        let outcome = rows::write(self.server, &collection, &again, Mode::Update).await;
        match outcome.map_err(Error::from)?.refused {
            Some((at, why)) => Err(self.unfit(&again[at], why)),
            None => Ok(()),
        }
    }

    /// What moves the checkpoint on, if it is still what the batch was made for.
    pub(crate) fn advance(&self, ready: &Ready, parking: &Parking) -> (Document, Document) {
        let Commit { expected, checkpoint, .. } = &ready.commit;
        let mut filter = known::filter(self.projection);
        let expected = match integer(expected.get()) {
            0 => doc! { "$in": [0_i64, Bson::Null] },
            expected => doc! { "$eq": expected },
        };
        filter.insert("checkpoint.position", expected);
        filter.insert("indexes", ready.known.indexes.clone());
        let mut fields = written(checkpoint);
        if let Some(mark) = parking.mark {
            fields.insert("letters", known::binary(mark));
        }
        (filter, doc! { "$set": fields, "$inc": { "checkpoint.parked": parking.events } })
    }

    /// What is known of the projection, where that is what the batch was made for.
    pub(crate) async fn known(&self, commit: &Commit) -> Result<Known, CommitError> {
        let projection = self.projection;
        let Some(known) = prepare::find(self.server, projection).await? else {
            let what = format!("the projection {projection} was never prepared: call `prepare` first");
            return Err(Error::invalid(what).into());
        };
        let (expected, actual) = (commit.expected, known.position());
        if actual != expected {
            return Err(CommitError::Superseded { projection: projection.clone(), expected, actual });
        }
        let known_indexes = &known.indexes;
        let declared = self.declared.unwrap_or(known_indexes);
        if known_indexes.len() != declared.len()
            || known_indexes.iter().any(|index| !declared.contains(index))
        {
            return Err(Error::invalid(format!(
                "another program has prepared {projection} with the indexes {known_indexes:?}, but this one declares \
                 {declared:?}"
            ))
            .into());
        }
        Ok(known)
    }

    pub(crate) fn unfit(&self, row: &Row, reason: String) -> CommitError {
        CommitError::Unfit { projection: self.projection.clone(), key: row.key.clone(), reason }
    }

    pub(crate) fn declared_anew(&self) -> CommitError {
        unavailable(DOING, format!("others go on preparing {}", self.projection)).into()
    }
}

impl Ready {
    /// The checkpoint after the batch.
    pub(crate) fn checkpoint(&self, parking: &Parking) -> Checkpoint {
        let before = self.known.checkpoint.map_or(0, |checkpoint| checkpoint.parked);
        Checkpoint { parked: before + parking.events.unsigned_abs(), ..self.commit.checkpoint }
    }
}
