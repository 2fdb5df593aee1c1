//! Points on the wire at which a message can be held.

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::framing::{Mark, Piece, contains};
use crate::{deadline::DEADLINE, runtime};

/// Where a message is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failpoint {
    /// The request that appends events has left the service, and has not reached the database.
    BeforeAppend,
    /// The database has committed the events, and the service does not know.
    AfterCommitBeforeAnswer,
    /// A projection's documents have left the service, and have not reached the database.
    BeforeDocuments,
    /// A projection's documents are written, and the service knows; its checkpoint has not reached the database.
    BetweenDocumentsAndCheckpoint,
    /// The database has committed the checkpoint after documents, and the service does not know.
    AfterCheckpointBeforeAnswer,
}

/// The points of a proxy: at most one is armed.
#[derive(Debug, Default)]
pub(super) struct Points {
    armed: Mutex<Option<Armed>>,
    /// MongoDB's sessions whose transactions have written documents that an armed point means: a transaction may go over
    /// several connections.
    sessions: Mutex<HashSet<Vec<u8>>>,
}

struct Armed {
    failpoint: Failpoint,
    /// What a request must contain, to be meant.
    about: &'static str,
    /// Documents were answered.
    documents: bool,
    tell: oneshot::Sender<Held>,
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Armed").field(&self.failpoint).finish_non_exhaustive()
    }
}

/// What becomes of a message that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Deliver,
    Lose,
}

impl Points {
    /// Holds the next message of this kind. What asks for it must contain this text; the empty text is in everything.
    pub(super) fn arm(&self, failpoint: Failpoint, about: &'static str) -> Waiting {
        let (tell, told) = oneshot::channel();
        *self.armed() = Some(Armed { failpoint, about, documents: false, tell });
        Waiting { failpoint, told }
    }

    /// Whether a request is one that an armed point means.
    pub(super) fn means(&self, request: &[u8]) -> bool {
        self.armed().as_ref().is_some_and(|armed| contains(request, armed.about.as_bytes()))
    }

    /// Where this is the message to be held: what to wait for.
    pub(super) fn holds(&self, piece: &Piece) -> Option<oneshot::Receiver<Fate>> {
        let mut slot = self.armed();
        let armed = slot.as_mut()?;
        let asks = |mark| piece.asks.contains(&mark);
        let commits = |mark| piece.commits.contains(&mark);
        let documents = armed.documents || piece.answers.contains(&Mark::Documents);
        let reached = match armed.failpoint {
            Failpoint::BeforeAppend => asks(Mark::Append),
            Failpoint::AfterCommitBeforeAnswer => commits(Mark::Append),
            Failpoint::BeforeDocuments => asks(Mark::Documents),
            Failpoint::BetweenDocumentsAndCheckpoint => armed.documents && asks(Mark::Checkpoint),
            Failpoint::AfterCheckpointBeforeAnswer => documents && commits(Mark::Checkpoint),
        };
        armed.documents = documents;
        if !reached {
            return None;
        }
        let armed = slot.take()?;
        let (decide, decided) = oneshot::channel();
        // Where the test does not wait any more, the handle is dropped, and the message lost.
        let _: Result<(), Held> = armed.tell.send(Held { failpoint: armed.failpoint, decide });
        Some(decided)
    }

    /// The transaction of this session has written what is meant.
    pub(super) fn note_session(&self, session: &[u8]) {
        self.sessions().insert(session.to_vec());
    }

    /// Whether the transaction of this session, which ends, has written what is meant.
    pub(super) fn take_session(&self, session: &[u8]) -> bool {
        self.sessions().remove(session)
    }

    fn sessions(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn armed(&self) -> MutexGuard<'_, Option<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An armed failpoint.
#[derive(Debug)]
#[must_use = "what is held has to be waited for"]
pub(crate) struct Waiting {
    failpoint: Failpoint,
    told: oneshot::Receiver<Held>,
}

impl Waiting {
    /// Waits until a message is held.
    #[track_caller]
    pub(crate) fn reached(self) -> Held {
        let Self { failpoint, told } = self;
        match runtime::block_on(async { tokio::time::timeout(DEADLINE, told).await }) {
            Ok(Ok(held)) => held,
            Ok(Err(_)) => {
                panic!("{failpoint:?}: another point was armed in its place, or the proxy has ended")
            }
            Err(tokio::time::error::Elapsed { .. }) => {
                panic!("{failpoint:?} was not reached in {} s", DEADLINE.as_secs())
            }
        }
    }
}

/// A message that is held. Dropping the handle loses it, and cuts its connection.
#[derive(Debug)]
#[must_use = "a message that is held stays so until its handle is gone"]
pub(crate) struct Held {
    failpoint: Failpoint,
    decide: oneshot::Sender<Fate>,
}

impl Held {
    /// Lets the message arrive.
    pub(crate) fn deliver(self) {
        self.end(Fate::Deliver);
    }

    /// Loses the message, and cuts its connection at both ends.
    pub(crate) fn lose(self) {
        self.end(Fate::Lose);
    }

    #[track_caller]
    fn end(self, fate: Fate) {
        let Self { failpoint, decide } = self;
        assert!(decide.send(fate).is_ok(), "{failpoint:?}: the connection of what was held was cut");
    }
}
