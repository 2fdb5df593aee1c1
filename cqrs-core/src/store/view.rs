use std::{fmt, str::FromStr};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    BoxFuture, CoordinationStore, DataFormat, DeadLetter, DocumentWrite, Error, Find, Partition, Sequence,
    StoredDocument,
};
use crate::{
    domain::{Feeds, IndexSpec, Projection},
    envelope::{EventId, LogId, Position},
};

/// Names one build of a projection, what a version of it says, built from the log; or a [partition](Partition) of a build.
/// A rebuild is another build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectionId {
    /// The projection's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Counts how often this version was built anew; 0 for the first build.
    pub generation: u32,
    /// The partition; [`Partition::WHOLE`] for the build itself.
    pub partition: Partition,
}

impl ProjectionId {
    /// The first build of a version.
    pub fn new(name: impl Into<String>, version: u32) -> Self {
        Self { name: name.into(), version, generation: 0, partition: Partition::WHOLE }
    }

    /// The first build of `P` as it is compiled in.
    pub fn of<P: Projection>() -> Self {
        Self::new(P::NAME, P::VERSION)
    }

    /// Another build of the same version.
    #[must_use]
    pub fn generation(&self, generation: u32) -> Self {
        Self { generation, ..self.clone() }
    }

    /// A partition of the same build.
    #[must_use]
    pub fn partition(&self, partition: Partition) -> Self {
        Self { partition, ..self.clone() }
    }

    /// The build itself.
    #[must_use]
    pub fn whole(&self) -> Self {
        self.partition(Partition::WHOLE)
    }
}

impl fmt::Display for ProjectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, generation, partition } = self;
        write!(f, "{name} v{version}")?;
        if *generation > 0 {
            write!(f, ", build {generation}")?;
        }
        if !partition.is_whole() {
            write!(f, ", partition {partition}")?;
        }
        Ok(())
    }
}

/// What a store has to know of a projection before it keeps its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionSpec {
    /// Name and version.
    pub id: ProjectionId,
    /// The declared indexes, in order.
    pub indexes: Vec<IndexSpec>,
    /// Hash of the projection's definition and of its handlers.
    pub fingerprint: u64,
}

impl ProjectionSpec {
    /// That of `P` as it is compiled in.
    pub fn of<P: Projection>() -> Self {
        Self {
            id: ProjectionId::of::<P>(),
            indexes: P::INDEXES.to_vec(),
            fingerprint: Feeds::<P>::of().fingerprint(),
        }
    }
}

/// How far a projection has come, as its read store knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log that it reads.
    pub log: LogId,
    /// All events up to here are applied, or parked.
    pub position: Position,
    /// The id of the event at `position`: a log that has another one there was put back to an earlier state, and has
    /// gone on from it. `None` before the first event.
    pub last: Option<EventId>,
    /// The log was found to have been put back: what is applied is not all in it, and what is in it not all applied.
    pub diverged: bool,
    /// The head of the log when it was last seen.
    pub head: Position,
    /// All events that were recorded before this moment are applied, or parked.
    pub as_of: Timestamp,
    /// How many events are parked.
    pub parked: u64,
    /// The fencing number of whoever wrote it: a store takes no batch with a smaller one any more.
    pub fence: u64,
    /// What the build is for.
    pub standing: Standing,
    /// Into how many partitions the build is divided, each of which has a checkpoint of its own; 1 where it is whole.
    /// What counts is the checkpoint of the build itself, which does not move while it is divided.
    pub partitions: u16,
}

/// What a build of a projection is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It answers queries.
    #[default]
    Live,
    /// It has not caught up yet: an older build answers in its place.
    Building,
    /// Queries ask this generation of the same version instead. Nobody keeps it up to date any more.
    Superseded {
        /// The generation.
        by: u32,
    },
}

/// As stores keep it, for people to read.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Building => f.write_str("building"),
            Self::Superseded { by } => write!(f, "superseded by {by}"),
        }
    }
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            "building" => Ok(Self::Building),
            other => match other.strip_prefix("superseded by ").map(str::parse) {
                Some(Ok(by)) => Ok(Self::Superseded { by }),
                _ => Err(format!("{other:?} is no standing of a build")),
            },
        }
    }
}

impl Checkpoint {
    /// That of a build that is divided: all of its partitions are as far. `None` where not all of them are known.
    pub(crate) fn of_partitions(whole: Self, partitions: &[Option<Self>]) -> Option<Self> {
        let known: Vec<Self> = partitions.iter().copied().collect::<Option<_>>()?;
        let last = known.iter().min_by_key(|checkpoint| checkpoint.position)?;
        Some(Self {
            position: last.position,
            last: last.last,
            diverged: known.iter().any(|checkpoint| checkpoint.diverged),
            head: known.iter().map(|checkpoint| checkpoint.head).max()?,
            as_of: known.iter().map(|checkpoint| checkpoint.as_of).min()?,
            parked: known.iter().map(|checkpoint| checkpoint.parked).sum(),
            ..whole
        })
    }

    /// What is applied is not what the log holds: it was put back, or, where the caller knows `log`, is another one.
    pub fn is_of_another_past(&self, log: Option<LogId>) -> bool {
        self.diverged || log.is_some_and(|log| log != self.log)
    }
}

/// A build that a store has, or a partition of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Which.
    pub id: ProjectionId,
    /// Hash of the definition and of the handlers that it was [prepared](ViewStore::prepare) for last.
    pub fingerprint: u64,
    /// How far it has come; `None` before its first batch.
    pub checkpoint: Option<Checkpoint>,
}

/// A batch of a projection's work, written all or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The position that the projection is at before the batch; [`Position::ZERO`] where it has no checkpoint.
    pub expected: Position,
    /// The checkpoint after the batch; the store counts [`Checkpoint::parked`] by itself.
    pub checkpoint: Checkpoint,
    /// Changes of documents, each key once.
    pub documents: Vec<DocumentWrite>,
    /// Events put aside. One that is parked in the sequence already is replaced.
    pub parked: Vec<DeadLetter>,
    /// Letters that are put aside no more: their sequences, and their positions.
    pub resolved: Vec<(Sequence, Position)>,
}

impl Commit {
    /// A batch that moves the checkpoint alone.
    pub const fn of(expected: Position, checkpoint: Checkpoint) -> Self {
        Self { expected, checkpoint, documents: Vec::new(), parked: Vec::new(), resolved: Vec::new() }
    }

    /// It moves the checkpoint alone: no documents, no dead letters.
    pub const fn is_bare(&self) -> bool {
        self.documents.is_empty() && self.parked.is_empty() && self.resolved.is_empty()
    }
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another writer has moved the projection on, or back.
    #[error(
        "the projection {projection} is at position {actual}, not at {expected}: another writer has moved it"
    )]
    Superseded {
        /// The projection.
        projection: ProjectionId,
        /// The position that the batch was made for.
        expected: Position,
        /// The position that the store has.
        actual: Position,
    },
    /// Another process has taken the projection over.
    #[error("{projection} is run by another process: its fencing number is {newest}, the batch has {fence}")]
    Fenced {
        /// The projection.
        projection: ProjectionId,
        /// The fencing number of the batch.
        fence: u64,
        /// The one that the store has.
        newest: u64,
    },
    /// A document is larger than the store takes.
    #[error("the document {key:?} of {projection} has {size} bytes, but the limit is {limit}")]
    TooLarge {
        /// The projection.
        projection: ProjectionId,
        /// The document's key.
        key: String,
        /// Its length.
        size: usize,
        /// The most that the store takes.
        limit: usize,
    },
    /// A document that the store has no way to hold.
    #[error("the store can't hold the document {key:?} of {projection}: {reason}")]
    Unfit {
        /// The projection.
        projection: ProjectionId,
        /// The document's key.
        key: String,
        /// What is wrong with it, such as a number beyond the database's, and what to do.
        reason: String,
    },
    /// The store itself.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Writes batches one after the other: what [`ViewStore::commit_all`] does in a store that has no way to write several in one
/// round trip, or not these.
pub async fn commit_each<S: ViewStore + ?Sized>(
    store: &S,
    batches: Vec<(ProjectionId, Commit)>,
) -> Vec<Result<(), CommitError>> {
    let mut answers = Vec::with_capacity(batches.len());
    for (projection, commit) in batches {
        answers.push(store.commit(&projection, commit).await);
    }
    answers
}

/// An answer, and how fresh it is at least.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// The answer.
    pub value: T,
    /// A checkpoint that the answer is not older than; `None` before the projection's first batch.
    pub checkpoint: Option<Checkpoint>,
}

/// The read store: the documents of projections, and how far each projection has come.
///
/// Its promises, each one a rule of the conformance suite in `cqrs-testkit`:
///
/// 1. A batch is written whole or not at all, its checkpoint included, and only on the checkpoint that it was made
///    for: delivering it twice, or from two writers, changes nothing. One whose [fencing number](Checkpoint::fence)
///    is smaller than that of a batch before changes nothing either.
/// 2. What was written is read back as it was, key by key, also the trace of a removed document.
/// 3. Look-ups by declared indexes find just the documents that fit, in a stable order, page by page.
/// 4. An answer is never older than the checkpoint that it comes with.
/// 5. Projections, their versions, and the builds of one version are apart.
///    The [partitions](Partition) of a build share its documents and its indexes, whichever of them is named; their
///    checkpoints, fencing numbers and dead letters are apart, and so are those of the build itself.
/// 6. What was written survives the death of the program (a store on disk).
///
/// Asking about a projection that was never [prepared](Self::prepare) is no error: it has no documents and no
/// checkpoint yet.
pub trait ViewStore: Send + Sync + fmt::Debug + 'static {
    /// How the store takes documents. It converts those of another format, at a cost, and without a text's moments.
    fn format(&self) -> DataFormat {
        DataFormat::Text
    }

    /// Where the programs that share this store tell each other who does what.
    fn coordination(&self) -> &dyn CoordinationStore;

    /// Makes room for a projection's documents and indexes. Does nothing where all is there; adds what is missing.
    /// A [partition](Partition) is prepared by itself before its first batch, and its build with it where that is missing;
    /// what indexes are declared holds for the build.
    ///
    /// Indexes that are declared anew over existing documents are refused with [`Error::Invalid`], which says to
    /// raise the projection's version; those that are declared no more are dropped.
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>>;

    /// How far a projection has come, as queries see it: what the same store is asked after this has answered is not
    /// older. A [freshness check](crate::query::FreshnessCheck) rests on it.
    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>>;

    /// Reads documents for folding, traces of removed ones included, in any order; unknown keys are left out.
    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>>;

    /// Writes a batch.
    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>>;

    /// Writes batches of several [partitions](Partition), in one round trip where the store can: each as by
    /// [`commit`](Self::commit), written or not by itself. There is an answer for each, in their order.
    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        Box::pin(commit_each(self, batches))
    }

    /// Reads one document for a query; the trace of a removed one is none.
    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>>;

    /// Looks documents up.
    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>>;

    /// What is parked: each sequence once.
    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>>;

    /// Reads at most `limit` dead letters of all sequences or of one, by position, then sequence, of positions after `after`,
    /// in whole positions: all letters of the last position are included, even beyond `limit`.
    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>>;

    /// The builds of a projection that the store has, of all versions, and their partitions, in the order of their ids.
    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>>;

    /// Removes a build: its documents, and the dead letters and the checkpoint of the build itself and of each of its partitions. Of
    /// a partition only its own dead letters and checkpoint. Does nothing where it is not there.
    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>>;

    /// Tells of a projection's progress: the newest checkpoint known, updated soon after each commit, by whichever
    /// process. A hint to ask again.
    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>>;
}
