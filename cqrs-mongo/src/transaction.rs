use std::time::Duration;

use cqrs_core::store::{Checkpoint, CommitError, Error};
use mongodb::{
    ClientSession,
    options::{ReadConcern, TransactionOptions},
};
use tokio::time::{Instant, sleep};

use crate::{
    commit::{Ready, Writer},
    error::Failure,
    letters::Parking,
    names::{self, CHECKPOINTS},
    rows::{self, Mode},
};

const DOING: &str = "writes a batch in a transaction";

/// How long the one that was in the way is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// How an attempt has ended that has written nothing.
enum End {
    /// Another one was in the way.
    Lost(Failure),
    /// The checkpoint has moved, or what the projection declares.
    Moved,
    /// Documents are further than the checkpoint: a batch without a transaction has put them there.
    Ahead,
    /// The server does not take one of the documents.
    Refused(CommitError),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Lost(failure)
    }
}

impl Writer<'_> {
    /// Writes a batch in a transaction. Where documents are further than the checkpoint, it is written without one: only
    /// that way they can be passed over.
    pub(crate) async fn transactional(&self, mut ready: Ready) -> Result<Checkpoint, CommitError> {
        let deadline = Instant::now() + self.server.timeout;
        loop {
            let parking = Parking::of(self.server, self.projection, &ready, true).await?;
            match self.attempt(&ready, &parking).await {
                Ok(()) => return Ok(ready.checkpoint(&parking)),
                Err(End::Ahead) => return self.guarded(ready).await,
                Err(End::Refused(error)) => return Err(error),
                Err(End::Lost(failure)) if !failure.is_of_a_lost_race() || Instant::now() >= deadline => {
                    return Err(Error::from(failure).into());
                }
                Err(End::Moved) if Instant::now() >= deadline => return Err(self.declared_anew()),
                Err(End::Lost(_) | End::Moved) => {
                    sleep(PAUSE).await;
                    ready.known = self.known(&ready.commit).await?;
                }
            }
        }
    }

    async fn attempt(&self, ready: &Ready, parking: &Parking) -> Result<(), End> {
        let mut session = Some(self.begin().await?);
        let written = self.write_in(&mut session, ready, parking).await;
        let Some(mut session) = session else { return written };
        match written {
            Ok(()) => self.end(session).await,
            Err(end) => {
                let abort = async move { session.abort_transaction().await };
                if let Err(error) = self.server.call(DOING, abort).await {
                    // The server does it by itself after a while.
                    tracing::debug!(?error, projection = %self.projection, "a transaction was not aborted");
                }
                Err(end)
            }
        }
    }

    async fn begin(&self) -> Result<ClientSession, Failure> {
        let client = self.server.client().clone();
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::local())
            .write_concern(self.server.write_concern.concern.clone())
            .build();
        let begin = async move {
            let mut session = client.start_session().causal_consistency(false).await?;
            session.start_transaction().with_options(options).await?;
            Ok(session)
        };
        self.server.call(DOING, begin).await
    }

    /// The checkpoint first: it keeps other transactions out.
    async fn write_in(
        &self,
        session: &mut Option<ClientSession>,
        ready: &Ready,
        parking: &Parking,
    ) -> Result<(), End> {
        let (filter, change) = self.advance(ready, parking);
        let collection = self.server.own(CHECKPOINTS);
        let Some(mut own) = session.take() else { return Err(Failure::ended(DOING).into()) };
        let work = async move {
            let moved = collection.update_one(filter, change).session(&mut own).await;
            Ok((own, moved))
        };
        let (own, moved) = self.server.call(DOING, work).await?;
        *session = Some(own);
        if moved.map_err(|error| Failure::driver(DOING, error))?.matched_count == 0 {
            return Err(End::Moved);
        }
        let documents = names::documents(self.projection);
        let outcome = rows::write(self.server, session, &documents, &ready.rows, Mode::Upsert).await?;
        if let Some((at, why)) = outcome.refused {
            return Err(End::Refused(self.unfit(&ready.rows[at], why)));
        }
        if !outcome.known.is_empty() {
            return Err(End::Ahead);
        }
        Ok(parking.write(self.server, session, self.projection, &ready.known).await?)
    }

    /// Commits, and asks again for as long as the outcome is not known.
    async fn end(&self, mut session: ClientSession) -> Result<(), End> {
        let deadline = Instant::now() + self.server.timeout;
        loop {
            let commit = async move {
                let committed = session.commit_transaction().await;
                Ok((session, committed))
            };
            let (own, committed) = self.server.call(DOING, commit).await?;
            session = own;
            match committed.map_err(|error| Failure::driver(DOING, error)) {
                Err(failure) if failure.leaves_a_commit_open() && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                ended => return Ok(ended?),
            }
        }
    }
}
