use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Asked, OperateError, Operation, Parked, Report, Request, RequestOutcome, group};
use crate::{
    app::IntoViewStore,
    envelope::{Json, Position},
    query::Current,
    store::{DeadLetter, Error, ProjectionId, Sequence, ViewStore},
};

/// How many dead letters are read at once.
const AT_ONCE: usize = 1_000;

/// How often it is looked whether a request has ended.
const POLL: Duration = Duration::from_millis(50);

/// Asks projections of one read store to pause, to go on, or to deal with what is parked.
///
/// ```no_run
/// # async fn example(views: cqrs_core::memory::MemoryViewStore) -> Result<(), cqrs_core::operations::OperateError> {
/// use cqrs_core::{operations::{Operator, Parked}, store::ProjectionId};
///
/// let operator = Operator::new(views, "ada");
/// let orders = ProjectionId::new("order_summary", 1);
/// for letter in operator.dead_letters(&orders, None, Default::default(), 100).await? {
///     println!("{} {}: {:?}", letter.position, letter.event, letter.reason);
/// }
/// let would = operator.retry(&orders, Parked::All, true).await?;
/// if would.failing.is_empty() {
///     operator.retry(&orders, Parked::All, false).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Operator {
    views: Arc<dyn ViewStore>,
    by: String,
    within: Duration,
}

impl Operator {
    /// Operates the projections of this read store; `by` is the name on record.
    pub fn new(views: impl IntoViewStore, by: impl Into<String>) -> Self {
        Self { views: Current::of(views.into_view_store()), by: by.into(), within: Duration::from_secs(10) }
    }

    /// How long to wait for an outcome. Default: 10 s. What takes longer is done all the same.
    #[must_use]
    pub const fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Has a projection apply no more events until it is [resumed](Self::resume), also after a restart.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask) and [`outcome`](Self::outcome).
    pub async fn pause(&self, projection: &ProjectionId) -> Result<(), OperateError> {
        self.have(projection, Operation::Pause).await.map(drop)
    }

    /// Has a projection go on that was paused, or has halted.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, projection: &ProjectionId) -> Result<(), OperateError> {
        self.have(projection, Operation::Resume).await.map(drop)
    }

    /// Has a projection that writes by itself go back to a position, and apply all events after it again.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn rewind(&self, projection: &ProjectionId, to: Position) -> Result<(), OperateError> {
        self.have(projection, Operation::Rewind { to }).await.map(drop)
    }

    /// Has a projection's documents built anew, beside the ones that answer: these stay until the new ones have caught up, and
    /// then queries switch, in every process. Comes back when the build has begun; `App::projections` shows how it gets on.
    ///
    /// `from` is the position after which it begins, such as [`Position::ZERO`]. A later one is for projections that hold no
    /// more than the recent past: events before it leave no trace.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn rebuild(&self, projection: &ProjectionId, from: Position) -> Result<(), OperateError> {
        self.have(projection, Operation::Rebuild { from }).await.map(drop)
    }

    /// Gives up the build that is under way; the one that answers goes on.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn abandon_rebuild(&self, projection: &ProjectionId) -> Result<(), OperateError> {
        self.have(projection, Operation::AbandonRebuild).await.map(drop)
    }

    /// Has parked events tried again, in order; in a dry run, nothing is written.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn retry(
        &self,
        projection: &ProjectionId,
        parked: impl Into<Parked>,
        dry_run: bool,
    ) -> Result<Report, OperateError> {
        self.have(projection, Operation::Retry { parked: parked.into(), dry_run }).await
    }

    /// Gives up the first event of each of these sequences, or the one that is named, and goes on with those that wait behind it.
    /// Which events these are is settled when it is asked for: asked for again, or by somebody else who has seen the same, it
    /// gives up no further one. Events and reason stay on record.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause); [`OperateError::Refused`] also where nothing is parked there, and where none of the events is any
    /// more the first of its sequence.
    pub async fn skip(
        &self,
        projection: &ProjectionId,
        parked: impl Into<Parked>,
        reason: impl Into<String>,
    ) -> Result<Report, OperateError> {
        let (parked, reason) = (parked.into(), reason.into());
        let events = self.firsts(projection, &parked).await?;
        if events.is_empty() {
            let reason = match parked.sequence() {
                Some(sequence) => format!("nothing is parked for {sequence:?}"),
                None => "nothing is parked".to_owned(),
            };
            return Err(OperateError::Refused { projection: projection.clone(), reason });
        }
        self.have(projection, Operation::Skip { events, reason }).await
    }

    /// The first event of each sequence that is meant.
    async fn firsts(
        &self,
        projection: &ProjectionId,
        parked: &Parked,
    ) -> Result<Vec<(Sequence, Position)>, Error> {
        if let Parked::Event(sequence, position) = parked {
            return Ok(vec![(sequence.clone(), *position)]);
        }
        let mut firsts: BTreeMap<Sequence, Position> = BTreeMap::new();
        let (of, mut after) = (parked.sequence(), Position::ZERO);
        // Of one sequence the first letter is enough.
        let limit = if of.is_some() { 1 } else { AT_ONCE };
        loop {
            let letters = self.views.dead_letters(projection, of, after, limit).await?;
            let Some(last) = letters.last() else { break };
            after = last.position;
            for letter in letters {
                firsts.entry(letter.sequence).or_insert(letter.position);
            }
            if of.is_some() {
                break;
            }
        }
        Ok(firsts.into_iter().collect())
    }

    /// What is parked: each document, or stream, once.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn parked(&self, projection: &ProjectionId) -> Result<Vec<Sequence>, Error> {
        self.views.parked_sequences(projection).await
    }

    /// At most `limit` dead letters of all sequences or of one, by position, of positions after `after`; all letters of
    /// the last position are included, even beyond `limit`.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn dead_letters(
        &self,
        projection: &ProjectionId,
        of: Option<&Sequence>,
        after: Position,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        self.views.dead_letters(projection, of, after, limit).await
    }

    /// All requests to a projection that are on record, in the order of asking: those that wait, and the last that have
    /// ended, at most 100 of them.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn requests(&self, projection: &ProjectionId) -> Result<Vec<Request>, Error> {
        let entries = self.views.coordination().entries(&group(projection)).await?;
        let mut requests = entries.iter().map(Request::read).collect::<Result<Vec<_>, _>>()?;
        requests.sort_by_key(|request| request.id);
        Ok(requests)
    }

    /// Puts a request, and does not wait for what comes of it.
    ///
    /// # Errors
    ///
    /// Where the store is away or damaged.
    pub async fn ask(&self, projection: &ProjectionId, operation: Operation) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        let asked = Asked {
            operation,
            by: self.by.clone(),
            at: Timestamp::now(),
            taken_by: None,
            outcome: None,
            ended_at: None,
        };
        let value = Json::of(&asked).map_err(|error| Error::invalid(error.to_string()))?;
        self.views.coordination().put_entry(&group(projection), &id.to_string(), 0, value).await?;
        Ok(id)
    }

    /// Waits for what comes of a request.
    ///
    /// # Errors
    ///
    /// [`OperateError::Pending`] when time is up, [`OperateError::Refused`] where it can't be done,
    /// [`OperateError::Unknown`] where it is not on record, [`OperateError::Store`] where the store is away or damaged.
    pub async fn outcome(&self, projection: &ProjectionId, id: Uuid) -> Result<Report, OperateError> {
        let deadline = Instant::now() + self.within;
        loop {
            let known = self.requests(projection).await?.into_iter().find(|request| request.id == id);
            let projection = || projection.clone();
            let Some(request) = known else {
                return Err(OperateError::Unknown { projection: projection(), id });
            };
            match request.asked.outcome {
                Some(RequestOutcome::Done(report)) => return Ok(report),
                Some(RequestOutcome::Refused { reason }) => {
                    return Err(OperateError::Refused { projection: projection(), reason });
                }
                None if Instant::now() >= deadline => {
                    return Err(OperateError::Pending { projection: projection(), id, waited: self.within });
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    async fn have(&self, projection: &ProjectionId, operation: Operation) -> Result<Report, OperateError> {
        let id = self.ask(projection, operation).await?;
        self.outcome(projection, id).await
    }
}
