use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    envelope::Position,
    runtime::Owner,
    store::{DeadLetter, Entry, Error, ProjectionId, Sequence},
};

/// The group of the entries that are requests to a projection.
pub(crate) fn group(projection: &ProjectionId) -> String {
    format!("requests {projection}")
}

/// The group of the entry that says whether a projection is paused.
pub(crate) const fn paused_group() -> &'static str {
    "paused"
}

/// Says that a projection is to stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paused {
    #[serde(rename = "paused")]
    pub(crate) stands_still: bool,
    pub(crate) by: String,
    pub(crate) since: Timestamp,
}

/// What a projection can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Apply no more events until it is resumed, also after a restart.
    Pause,
    /// Go on after a pause, or after the projection has halted.
    Resume,
    /// Go back to a position, and apply all events after it again. Only for a projection that writes by itself: the
    /// documents of others know what they have applied.
    Rewind {
        /// The position to go back to.
        to: Position,
    },
    /// Build its documents anew beside the ones that answer, which take their place once they have caught up.
    Rebuild {
        /// The position after which the build begins; [`Position::ZERO`]: with the first event.
        from: Position,
    },
    /// Give up the build that is under way.
    AbandonRebuild,
    /// Try parked events again, each sequence in its order.
    Retry {
        /// Which.
        parked: Parked,
        /// Only say what would come of it.
        dry_run: bool,
    },
    /// Give up events that are the first of their sequences, and go on with those that wait behind them.
    Skip {
        /// Each by its sequence and its position: asked for twice, it is given up once.
        events: Vec<(Sequence, Position)>,
        /// Why, for the record.
        reason: String,
    },
}

impl Operation {
    /// Whether it is to be done for all documents at once, by one application.
    pub(crate) const fn concerns_all(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Skip { .. })
    }

    /// Whether there are other builds once it is done.
    pub(crate) const fn changes_builds(&self) -> bool {
        matches!(self, Self::Rebuild { .. } | Self::AbandonRebuild)
    }
}

/// Which parked events are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parked {
    /// All.
    All,
    /// Those of one document or of one stream.
    Sequence(Sequence),
    /// The event at this position, of this sequence. Where events are tried again, it is the whole sequence.
    Event(Sequence, Position),
}

impl Parked {
    pub(crate) const fn sequence(&self) -> Option<&Sequence> {
        match self {
            Self::All => None,
            Self::Sequence(sequence) | Self::Event(sequence, _) => Some(sequence),
        }
    }
}

impl From<&DeadLetter> for Parked {
    fn from(letter: &DeadLetter) -> Self {
        Self::Event(letter.sequence.clone(), letter.position)
    }
}

impl From<Sequence> for Parked {
    fn from(sequence: Sequence) -> Self {
        Self::Sequence(sequence)
    }
}

/// What a program has asked of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Unique; requests are taken in its order, which is that of asking.
    pub id: Uuid,
    /// What was asked, and what came of it.
    pub asked: Asked,
    /// How often its entry was put.
    pub(crate) revision: u64,
}

/// A request's entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asked {
    /// What for.
    pub operation: Operation,
    /// By whom, as the asking program says.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Who has taken it up; `None` before that.
    pub taken_by: Option<Owner>,
    /// What came of it; `None` before that.
    pub outcome: Option<RequestOutcome>,
    /// When that was.
    pub ended_at: Option<Timestamp>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestOutcome {
    /// It was done.
    Done(Report),
    /// It can't be done.
    Refused {
        /// Why, and what to do instead.
        reason: String,
    },
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// How many parked events were folded in, those counted once for each sequence; in a dry run, how many would be.
    pub retried: u64,
    /// How many were given up.
    pub skipped: u64,
    /// The sequences that still fail, with what is in their way.
    pub failing: Vec<StillFailing>,
}

/// A sequence that stays parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StillFailing {
    /// Which.
    pub sequence: Sequence,
    /// The event that fails.
    pub position: Position,
    /// Why, with the causes.
    pub error: String,
}

impl Request {
    pub(crate) fn read(entry: &Entry) -> Result<Self, Error> {
        let wrong = |what: String| Error::corrupt(format!("the request {:?}: {what}", entry.key));
        let id = entry.key.parse().map_err(|error: uuid::Error| wrong(error.to_string()))?;
        let asked = entry.value.parse().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { id, asked, revision: entry.revision })
    }
}
