use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use cqrs_core::{
    domain::{FeedSpec, OnError, Subscription},
    envelope::{Delivered, Position, RecordedEvent},
    store::{
        BatchError, BatchProjection, BoxFuture, Commit, CommitError, Error, ProjectionId, ProjectionSpec,
        ViewStore,
    },
};
use sqlx::postgres::PgRow;
use tokio::time::timeout;

use super::{SqlProjection, fault, prepare::prepare};
use crate::{
    database::{Column as _, Doing as _, Failure, Lease, at, timed_out},
    view::{
        PostgresViewStore,
        commit::Batch,
        documents::Documents,
        fit, names,
        projection::{Progressed, bind_id},
        writing::never_prepared,
    },
};

const DOING: &str = "writes a batch of a projection";

/// A projection with SQL of its own, in its store; made by [`PostgresViewStore::sql`], run by
/// [`AppBuilder::batch_projection`](cqrs_core::app::AppBuilder::batch_projection).
pub struct HandWritten<P: SqlProjection> {
    projection: P,
    id: ProjectionId,
    subscription: Subscription<P::Event>,
    views: Arc<PostgresViewStore>,
    time_limit: Duration,
    /// Its tables were created, or found, by this program.
    is_created: AtomicBool,
}

impl PostgresViewStore {
    /// A projection with hand-written SQL on the same server, whose checkpoint and dead letters are kept here.
    pub fn sql<P: SqlProjection>(self: &Arc<Self>, projection: P) -> HandWritten<P> {
        HandWritten {
            projection,
            id: P::id(),
            subscription: Subscription::of(),
            views: Arc::clone(self),
            time_limit: Duration::from_mins(1),
            is_created: AtomicBool::new(false),
        }
    }
}

impl<P: SqlProjection> HandWritten<P> {
    /// The longest that a batch, or the creation of the tables, may take; what takes longer is rolled back and tried
    /// again. Default: 1 minute. It is also for how long a program that stands still in the midst of a batch, or is gone and the
    /// server can't tell, keeps another one from going on.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    async fn connect(&self) -> Result<Lease, Error> {
        let connections = &self.views.database.connections;
        let taken = connections.take(Instant::now() + connections.server().timeout()).await;
        taken.doing("connects").map_err(|error| self.at(error))
    }

    fn out_of_time(&self, doing: &'static str) -> Error {
        Failure::new(doing, timed_out(self.time_limit)).at(self.views.database.place()).into()
    }

    /// Says where the database is.
    fn at(&self, error: Error) -> Error {
        at(self.views.database.place(), error)
    }

    async fn create(&self) -> Result<(), Error> {
        let mut lease = self.connect().await?;
        prepare(&self.projection, &self.id, &mut lease, &self.views.database.schema).await?;
        lease.give_back();
        Ok(())
    }

    /// Applies and commits. After an error that leaves the connection half-way, that is closed, and the server rolls back.
    async fn write(
        &self,
        events: &[Delivered<P::Event>],
        batch: &Batch,
        documents: &Documents,
    ) -> Result<Progressed, BatchError> {
        let mut lease = self.connect().await?;
        let limit = self.time_limit.as_millis().clamp(1, i32::MAX.unsigned_abs().into()).to_string();
        let lock = bind_id(lease.query(&self.views.statements.lock_own), &self.id).bind(limit);
        let advance = batch.query(&lease, documents);
        let mut transaction = lease.transaction().await.doing(DOING)?;
        let row = lock.fetch_optional(&mut *transaction).await.doing(DOING)?;
        let Some(row) = row else { return Err(never_prepared(&self.id).into()) };
        if let Some(refusal) = self.refusal(batch, &row).doing(DOING)? {
            transaction.rollback().await.doing(DOING)?;
            lease.give_back();
            return Err(refusal.into());
        }
        let written = async {
            self.projection
                .apply(events, &mut transaction)
                .await
                .map_err(|error| fault::sort(error.into()))?;
            // An error that the projection has kept to itself is found here, as it has spoilt the transaction.
            let rows =
                advance.fetch_all(&mut *transaction).await.map_err(|error| fault::sort(error.into()))?;
            let progressed = batch.progressed(&rows).doing(DOING)?;
            progressed.ok_or_else(|| Error::corrupt("the checkpoint has moved while it was locked").into())
        };
        match written.await {
            Ok(progressed) => {
                transaction.commit().await.map_err(|error| fault::sort(error.into()))?;
                lease.give_back();
                Ok(progressed)
            }
            Err(error) => {
                // A connection that is lost is found here, whatever the projection has made of it.
                transaction.rollback().await.doing(DOING)?;
                lease.give_back();
                Err(error)
            }
        }
    }
}

impl<P: SqlProjection> HandWritten<P> {
    /// Why a batch is not one for the projection as it is, by the row of `lock_own.sql`.
    fn refusal(&self, batch: &Batch, row: &PgRow) -> sqlx::Result<Option<CommitError>> {
        let (actual, newest) = (Position::new(row.u64(0)?), row.u64(1)?);
        let (projection, expected, fence) = (self.id.clone(), batch.expected, batch.checkpoint.fence);
        Ok(if fence < newest {
            Some(CommitError::Fenced { projection, fence, newest })
        } else {
            (actual != expected).then_some(CommitError::Superseded { projection, expected, actual })
        })
    }
}

impl<P: SqlProjection> fmt::Debug for HandWritten<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandWritten")
            .field("id", &self.id)
            .field("views", &self.views)
            .finish_non_exhaustive()
    }
}

impl<P: SqlProjection> BatchProjection for HandWritten<P> {
    fn id(&self) -> ProjectionId {
        self.id.clone()
    }

    fn max_lag(&self) -> Option<Duration> {
        P::MAX_LAG
    }

    fn on_error(&self) -> OnError {
        P::ON_ERROR
    }

    fn feeds(&self) -> Vec<FeedSpec> {
        self.subscription.feeds()
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        Arc::clone(&self.views) as Arc<dyn ViewStore>
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            names::check(&ProjectionSpec { id: self.id.clone(), indexes: Vec::new(), fingerprint: 0 })?;
            // A database that was emptied meanwhile has to be filled anew.
            if self.is_created.load(Relaxed) && self.views.tables.look(&self.id).await?.is_some() {
                return Ok(());
            }
            let created = timeout(self.time_limit, self.create()).await;
            created
                .map_err(|_| self.out_of_time("prepares a projection"))?
                .map_err(|error| self.at(error))?;
            self.is_created.store(true, Relaxed);
            Ok(())
        })
    }

    fn apply<'a>(
        &'a self,
        events: &'a [RecordedEvent],
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), BatchError>> {
        Box::pin(async move {
            let delivered = self.subscription.read(events)?;
            let Some(documents) = self.views.tables.of(&self.id).await? else {
                return Err(never_prepared(&self.id).into());
            };
            let batch = fit::batch(&documents, &self.id, commit, self.views.document_bytes)?;
            let written = timeout(self.time_limit, self.write(&delivered, &batch, &documents)).await;
            let written = written.map_err(|_| self.out_of_time(DOING))?;
            let progressed = written.map_err(|error| match error {
                BatchError::Commit(CommitError::Store(error)) => CommitError::Store(self.at(error)).into(),
                other => other,
            })?;
            self.views.watcher.watched().tell(&self.id, progressed);
            Ok(())
        })
    }
}
