use std::time::Duration;

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::{Provenance, QueryError, Source};
use crate::{
    envelope::{LogId, Position, Token},
    metrics::WaitOutcome,
    store::{BoxFuture, Checkpoint, Error, EventStore, Partition, ProjectionId, Read, ViewStore},
};

/// How fresh an answer has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// As it comes.
    #[default]
    Any,
    /// No more than this behind the log, in time.
    MaxLag(Duration),
    /// It holds everything up to this point of the log.
    AtLeast(Token),
    /// It holds everything that was acknowledged before the query came.
    Latest,
}

/// What a query does when it has waited long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    Error,
    Stale,
    Live,
}

/// A query's demands on its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    pub(super) freshness: Freshness,
    pub(super) within: Duration,
    pub(super) fallback: Fallback,
}

impl Default for Demand {
    fn default() -> Self {
        Self { freshness: Freshness::Any, within: Duration::from_secs(1), fallback: Fallback::Error }
    }
}

/// The methods by which a query says what it demands, the same for one view and for a page.
macro_rules! demand_methods {
    () => {
        /// How fresh the answer has to be. Default: [`Freshness::Any`](crate::query::Freshness::Any).
        pub fn freshness(mut self, freshness: $crate::query::Freshness) -> Self {
            self.demand.freshness = freshness;
            self
        }

        /// As it comes: the default.
        pub fn any(self) -> Self {
            self.freshness($crate::query::Freshness::Any)
        }

        /// No more than this behind the log.
        pub fn max_lag(self, lag: ::std::time::Duration) -> Self {
            self.freshness($crate::query::Freshness::MaxLag(lag))
        }

        /// With all up to this point of the log, such as a command's receipt names.
        pub fn at_least(self, token: &$crate::envelope::Token) -> Self {
            self.freshness($crate::query::Freshness::AtLeast(*token))
        }

        /// With all that was acknowledged before now.
        pub fn latest(self) -> Self {
            self.freshness($crate::query::Freshness::Latest)
        }

        /// How long to wait for that. Default: 1 s.
        pub fn within(mut self, time: ::std::time::Duration) -> Self {
            self.demand.within = time;
            self
        }

        /// When time is up, answer with what is there, and [say so](crate::query::Provenance::stale).
        pub fn or_stale(mut self) -> Self {
            self.demand.fallback = $crate::query::freshness::Fallback::Stale;
            self
        }
    };
}

pub(super) use demand_methods;

/// An answer of the read store, judged.
pub(super) struct Judged<T> {
    pub(super) value: T,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) fresh: bool,
    /// The head of the log, where it is known.
    pub(super) head: Option<Position>,
}

impl<T> Judged<T> {
    pub(super) fn provenance(&self, source: &Source) -> Provenance {
        let log = source.log.as_ref().map(|log| log.store.log_id());
        Provenance::of(self.checkpoint.as_ref(), self.head, log)
    }
}

/// What a demand comes down to at the moment of asking.
#[derive(Clone, Copy)]
enum Wanted {
    Anything,
    Position(Position),
    AsOf(Timestamp),
    /// As [`AsOf`](Self::AsOf), or at the head of the log.
    MaxLag(Timestamp),
    /// More than can be known: the log is away.
    Unknown,
}

/// How long a waiting query trusts the store to tell it of news before it looks at the checkpoint by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long, at least, a query that may be stale waits for the log to tell its head.
const LOOK_FOR_HEAD: Duration = Duration::from_secs(1);

/// How long it waits where it was told of a checkpoint that the answer did not have yet: it came from a replica.
const REPLICA_PAUSE: Duration = Duration::from_millis(5);

/// The longest that a query waits: a clock can't add much more.
const LONGEST: Duration = Duration::from_hours(24 * 365);

impl Demand {
    /// Asks the read store until its answer is fresh enough, or time is up, and measures how long that takes. `key`: that of
    /// the one document that is asked for, which may be fresher than others.
    pub(super) async fn meet<T>(
        &self,
        source: &Source,
        projection: &ProjectionId,
        key: Option<&str>,
        ask: impl for<'s> Fn(&'s dyn ViewStore) -> BoxFuture<'s, Result<Read<T>, Error>>,
    ) -> Result<Judged<T>, QueryError> {
        let asked = Instant::now();
        let partition = key.map_or(Partition::WHOLE, Partition::of_key);
        let met = self.wait(source, projection, &projection.partition(partition), ask).await;
        if self.freshness != Freshness::Any {
            let outcome = match &met {
                Ok(judged) if judged.fresh => WaitOutcome::Fresh,
                Ok(_) => WaitOutcome::Late,
                Err(_) => WaitOutcome::Failed,
            };
            crate::metrics::query_waited(projection, outcome, asked.elapsed());
        }
        met
    }

    async fn wait<T>(
        &self,
        source: &Source,
        projection: &ProjectionId,
        partition: &ProjectionId,
        ask: impl for<'s> Fn(&'s dyn ViewStore) -> BoxFuture<'s, Result<Read<T>, Error>>,
    ) -> Result<Judged<T>, QueryError> {
        let Some(views) = &source.views else {
            return Err(QueryError::Unregistered { projection: projection.clone() });
        };
        if let (Freshness::AtLeast(token), Some(log)) = (&self.freshness, &source.log) {
            check_log(token, log.store.log_id())?;
        }
        let asked = Instant::now();
        let mut deadline = asked + self.within.min(LONGEST);
        // An older answer does not wait for a log that is away.
        let patience = deadline.max(asked + LOOK_FOR_HEAD);
        let wanted = self.wanted(source, patience).await?;
        if matches!(wanted, Wanted::Unknown) {
            deadline = asked;
        }
        let mut told = false;
        let mut news: Option<watch::Receiver<Option<Checkpoint>>> = None;
        loop {
            let Read { value, checkpoint } = ask(&**views).await?;
            let head = source.log.as_ref().map(|log| *log.head.borrow());
            let fresh = match self.is_met(wanted, checkpoint.as_ref(), source, projection, patience).await {
                Err(QueryError::Diverged { .. }) if self.fallback == Fallback::Stale => {
                    return Ok(Judged { value, checkpoint, fresh: false, head });
                }
                met => met?,
            };
            if fresh || Instant::now() >= deadline {
                return Ok(Judged { value, checkpoint, fresh, head });
            }
            // Listen first, then ask once more, so that no news falls between the two.
            let Some(news) = &mut news else {
                news = Some(views.watch(partition));
                continue;
            };
            if told {
                tokio::time::sleep_until(deadline.min(Instant::now() + REPLICA_PAUSE)).await;
            }
            // Wait on the checkpoint alone: the answer is asked for again when it can be fresh enough.
            told = loop {
                let until = deadline.min(Instant::now() + LOOK_AGAIN);
                let can_be_fresh = |at: &Option<Checkpoint>| wanted.may_be_met_by(at.as_ref(), source);
                let heard = tokio::time::timeout_at(until, news.wait_for(can_be_fresh)).await;
                match heard.map(|heard| heard.map(drop)) {
                    Ok(Ok(())) => break true,
                    Ok(Err(_)) => return Err(Error::Closed.into()),
                    Err(_) if Instant::now() >= deadline => break false,
                    Err(_) => {
                        let checkpoint = views.checkpoint(partition).await?;
                        match self.is_met(wanted, checkpoint.as_ref(), source, projection, patience).await {
                            Ok(false) => {}
                            Ok(true) => break false,
                            // The answer that is asked for next says so too, and may be taken all the same.
                            Err(QueryError::Diverged { .. }) if self.fallback == Fallback::Stale => {
                                break false;
                            }
                            Err(error) => return Err(error),
                        }
                    }
                }
            };
        }
    }

    /// The head of the log; `None` where it can't be had, or not in time, and an older answer will do.
    async fn head(&self, log: &dyn EventStore, patience: Instant) -> Result<Option<Position>, QueryError> {
        if self.fallback != Fallback::Stale {
            return Ok(Some(log.head().await?));
        }
        match tokio::time::timeout_at(patience, log.head()).await {
            Ok(Ok(head)) => Ok(Some(head)),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the head of the log is not known, so an answer is taken for stale");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    async fn wanted(&self, source: &Source, patience: Instant) -> Result<Wanted, QueryError> {
        Ok(match (self.freshness, &source.log) {
            (Freshness::Any, _) => Wanted::Anything,
            (Freshness::AtLeast(token), _) => Wanted::Position(token.position()),
            (Freshness::Latest, Some(log)) => {
                self.head(&*log.store, patience).await?.map_or(Wanted::Unknown, Wanted::Position)
            }
            (Freshness::Latest, None) => Wanted::AsOf(Timestamp::now()),
            (Freshness::MaxLag(lag), _) => {
                Wanted::MaxLag(Timestamp::now().checked_sub(lag).unwrap_or(Timestamp::MIN))
            }
        })
    }

    async fn is_met(
        &self,
        wanted: Wanted,
        checkpoint: Option<&Checkpoint>,
        source: &Source,
        projection: &ProjectionId,
        patience: Instant,
    ) -> Result<bool, QueryError> {
        if let (Freshness::AtLeast(token), Some(checkpoint)) = (&self.freshness, checkpoint) {
            check_log(token, checkpoint.log)?;
        }
        let log = source.log.as_ref().map(|log| log.store.log_id());
        if !matches!(wanted, Wanted::Anything) && checkpoint.is_some_and(|it| it.is_of_another_past(log)) {
            return Err(QueryError::Diverged { projection: projection.clone() });
        }
        if wanted.is_met_by(checkpoint) {
            return Ok(true);
        }
        // A program with the log knows better than the last heartbeat: at the head, there is no lag.
        if let (Wanted::MaxLag(_), Some(log)) = (wanted, &source.log) {
            let head = self.head(&*log.store, patience).await?;
            let position = checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position);
            return Ok(head.is_some_and(|head| position >= head));
        }
        Ok(false)
    }
}

impl Wanted {
    fn is_met_by(self, checkpoint: Option<&Checkpoint>) -> bool {
        match (self, checkpoint) {
            (Self::Anything | Self::Position(Position::ZERO), _) => true,
            (_, None) | (Self::Unknown, _) => false,
            (Self::Position(position), Some(checkpoint)) => checkpoint.position >= position,
            (Self::AsOf(moment) | Self::MaxLag(moment), Some(checkpoint)) => checkpoint.as_of >= moment,
        }
    }

    /// Going by what the log has told of its head, where it is here.
    fn may_be_met_by(self, checkpoint: Option<&Checkpoint>, source: &Source) -> bool {
        let at_head = || {
            source.log.as_ref().is_some_and(|log| {
                checkpoint.is_some_and(|checkpoint| checkpoint.position >= *log.head.borrow())
            })
        };
        self.is_met_by(checkpoint) || matches!(self, Self::MaxLag(_)) && at_head()
    }
}

fn check_log(token: &Token, log: LogId) -> Result<(), QueryError> {
    if token.log() == log || token.asks_nothing() {
        Ok(())
    } else {
        Err(QueryError::ForeignToken { token: token.log(), log })
    }
}
