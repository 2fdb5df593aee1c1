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
    letters::Changes,
    names::{self, CHECKPOINTS},
    rows,
    session::Session,
};

const DOING: &str = "writes a batch in a transaction";

/// How long the one that was in the way is waited for.
const PAUSE: Duration = Duration::from_millis(5);

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
            let changes = Changes::of(self.server, &ready.known, &ready.commit).await?;
            match self.attempt(&ready, &changes).await {
                Ok(()) => return Ok(self.written(&ready, &changes).await),
                Err(End::Ahead) => return self.guarded(ready).await,
                Err(End::Refused(error)) => return Err(error),
                Err(End::Lost(failure)) if !failure.is_of_a_lost_race() || Instant::now() >= deadline => {
                    return Err(Error::from(failure).into());
                }
                Err(End::Moved) if Instant::now() >= deadline => return Err(self.moving()),
                Err(End::Lost(_) | End::Moved) => {
                    sleep(PAUSE).await;
                    self.look_again(&mut ready).await?;
                }
            }
        }
    }

    async fn attempt(&self, ready: &Ready, changes: &Changes) -> Result<(), End> {
        let mut session = self.begin().await?;
        match self.write_in(&mut session, ready, changes).await {
            Ok(()) => self.end(session).await,
            Err(end) => {
                let abort = |mut session: ClientSession| async move {
                    let aborted = session.abort_transaction().await;
                    (session, aborted)
                };
                if let Err(error) = session.call(self.server, DOING, abort).await {
                    // The server does it by itself after a while.
                    tracing::debug!(?error, projection = %self.projection, "a transaction was not aborted");
                }
                Err(end)
            }
        }
    }

    async fn begin(&self) -> Result<Session, Failure> {
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::local())
            .write_concern(self.server.write_concern.concern.clone())
            .build();
        let begin = |mut session: ClientSession| async move {
            let begun = session.start_transaction().with_options(options).await;
            (session, begun)
        };
        let mut session = Session::plain(self.server, DOING).await?;
        session.call(self.server, DOING, begin).await.map(|()| session)
    }

    /// The checkpoint first: it keeps other transactions out.
    async fn write_in(&self, session: &mut Session, ready: &Ready, changes: &Changes) -> Result<(), End> {
        let (filter, change) = ready.advance(changes);
        let collection = self.server.own(CHECKPOINTS);
        let advance = |mut session| async move {
            let moved = collection.update_one(filter, change).session(&mut session).await;
            (session, moved)
        };
        if session.call(self.server, DOING, advance).await?.matched_count == 0 {
            return Err(End::Moved);
        }
        let documents = names::documents(self.projection);
        let outcome = rows::write_in(self.server, session, &documents, &ready.rows).await?;
        if let Some((at, why)) = outcome.refused {
            return Err(End::Refused(self.unfit(&ready.rows[at], why)));
        }
        if !outcome.known.is_empty() {
            return Err(End::Ahead);
        }
        Ok(changes.write_in(self.server, session).await?)
    }

    /// Commits, and asks again for as long as the outcome is not known.
    async fn end(&self, mut session: Session) -> Result<(), End> {
        let deadline = Instant::now() + self.server.timeout;
        loop {
            let commit = |mut session: ClientSession| async move {
                let committed = session.commit_transaction().await;
                (session, committed)
            };
            match session.call(self.server, DOING, commit).await {
                Err(failure) if failure.leaves_a_commit_open() && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                ended => return Ok(ended?),
            }
        }
    }
}
