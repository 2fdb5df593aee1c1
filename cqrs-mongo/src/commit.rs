//! How a batch is written. See docs/adr/0012-mongodb-guarded-writes.md and docs/adr/0017-mongodb-fencing.md.

use cqrs_core::store::{Checkpoint, Commit, CommitError, Error, ProjectionId};
use mongodb::bson::{Bson, Document, doc};

use crate::{
    document::{Layout, Row},
    error::unavailable,
    gate::{self, Gate, Pass},
    known::{Known, binary, written},
    letters::{self, Changes},
    names::CHECKPOINTS,
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
        let ready = Ready { known, rows, commit };
        if ready.takes_over() {
            let gate = ready.pass().raise(self.server).await?;
            self.check(gate, &ready.commit)?;
        }
        Ok(ready)
    }

    /// Writes a batch without a transaction: documents first, each guarded by the position that it has applied, and the
    /// checkpoint last. Answers with the new checkpoint.
    pub(crate) async fn guarded(&self, mut ready: Ready) -> Result<Checkpoint, CommitError> {
        for _ in 0..ATTEMPTS {
            if self.rows(&ready).await? {
                let changes = Changes::of(self.server, &ready.known, &ready.commit).await?;
                changes.write(self.server).await.map_err(Error::from)?;
                let (filter, change) = ready.advance(&changes);
                let collection = self.server.own(CHECKPOINTS);
                let work = async move { collection.update_one(filter, change).await };
                let moved = self.server.call(DOING, work).await.map_err(Error::from)?;
                if moved.matched_count == 1 {
                    return Ok(self.written(&ready, &changes).await);
                }
            }
            self.look_again(&mut ready).await?;
        }
        Err(self.moving())
    }

    /// Writes the documents, where the gate lets them pass: whether it has.
    async fn rows(&self, ready: &Ready) -> Result<bool, CommitError> {
        let (rows, pass) = (&ready.rows, ready.pass());
        let mut outcome = rows::write(self.server, &pass, rows, Mode::Upsert).await.map_err(Error::from)?;
        // The database has these documents: in a state that is as new, or in an older one which another writer has put
        // there between the server's look and its insert.
        let known = std::mem::take(&mut outcome.known);
        if !outcome.is_final() && !known.is_empty() {
            let again: Vec<Row> = known.iter().map(|at| rows[*at].clone()).collect();
            outcome = rows::write(self.server, &pass, &again, Mode::Update).await.map_err(Error::from)?;
            outcome.refused = outcome.refused.map(|(at, why)| (known[at], why));
        }
        if let Some((at, why)) = outcome.refused {
            return Err(self.unfit(&rows[at], why));
        }
        if outcome.is_shut {
            let gate = pass.look(self.server).await?;
            // Where the projection is prepared no more, or not for this program, that is to be told first.
            let known = self.known(&ready.commit).await;
            self.check(gate, &ready.commit)?;
            known?;
        }
        Ok(!outcome.is_shut)
    }

    fn check(&self, gate: Gate, commit: &Commit) -> Result<(), CommitError> {
        match gate {
            Gate::Open => Ok(()),
            Gate::Fenced(newest) => Err(self.fenced(commit, newest)),
            Gate::Gone => Err(gate::gone(self.projection).into()),
        }
    }

    /// Tells what the checkpoint is, once it is written.
    pub(crate) async fn written(&self, ready: &Ready, changes: &Changes) -> Checkpoint {
        let checkpoint = ready.checkpoint(changes);
        if ready.takes_over()
            && let Err(error) =
                letters::tidy(self.server, self.projection, checkpoint.fence, changes.mark).await
        {
            // It makes no difference but to the room it takes, and the next one that takes over does it.
            tracing::debug!(?error, projection = %self.projection, "dead letters were not tidied up");
        }
        checkpoint
    }

    /// What is known of the projection, where that is what the batch was made for.
    pub(crate) async fn known(&self, commit: &Commit) -> Result<Known, CommitError> {
        self.fits(prepare::find(self.server, self.projection).await?, commit)
    }

    /// Whether the batch was made for what is known.
    pub(crate) fn fits(&self, known: Option<Known>, commit: &Commit) -> Result<Known, CommitError> {
        let projection = self.projection;
        let Some(known) = known else {
            let what = format!("the projection {projection} was never prepared: call `prepare` first");
            return Err(Error::invalid(what).into());
        };
        if known.is_removed {
            return Err(Error::invalid(format!("{projection} is being removed")).into());
        }
        if known.fence() > commit.checkpoint.fence {
            return Err(self.fenced(commit, known.fence()));
        }
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

    /// Looks again at what has moved.
    pub(crate) async fn look_again(&self, ready: &mut Ready) -> Result<(), CommitError> {
        let before = ready.known.incarnation;
        ready.known = self.known(&ready.commit).await?;
        // The documents were folded on those of a build that is no more.
        if ready.known.incarnation == before { Ok(()) } else { Err(gate::gone(self.projection).into()) }
    }

    pub(crate) fn unfit(&self, row: &Row, reason: String) -> CommitError {
        CommitError::Unfit { projection: self.projection.clone(), key: row.key.clone(), reason }
    }

    fn fenced(&self, commit: &Commit, newest: u64) -> CommitError {
        CommitError::Fenced { projection: self.projection.clone(), fence: commit.checkpoint.fence, newest }
    }

    pub(crate) fn moving(&self) -> CommitError {
        unavailable(DOING, format!("others go on changing what is known of {}", self.projection)).into()
    }
}

impl Ready {
    /// Its fencing number is larger than all before.
    pub(crate) fn takes_over(&self) -> bool {
        self.known.fence() < self.commit.checkpoint.fence
    }

    fn pass(&self) -> Pass {
        Pass::of(&self.known, self.commit.checkpoint.fence)
    }

    /// The checkpoint after the batch.
    fn checkpoint(&self, changes: &Changes) -> Checkpoint {
        Checkpoint { parked: changes.parked, ..self.commit.checkpoint }
    }

    /// What moves the checkpoint on, and where it is then, for a batch without dead letters.
    pub(crate) fn advance_alone(&self) -> (Document, Document, Checkpoint) {
        let changes = Changes::none(&self.known);
        let (filter, change) = self.advance(&changes);
        (filter, change, self.checkpoint(&changes))
    }

    /// What moves the checkpoint on, if it is still what the batch was made for.
    pub(crate) fn advance(&self, changes: &Changes) -> (Document, Document) {
        let mut fields = written(&self.checkpoint(changes));
        fields.insert("letters", changes.mark.map_or(Bson::Null, |mark| binary(mark).into()));
        (self.known.as_found(), doc! { "$set": fields })
    }
}
