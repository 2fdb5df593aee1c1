use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use crate::envelope::StreamId;

/// How long a command waits for its turn: enough for a long line, and an end where it would never come, as for a
/// command that another one's handler waits for.
const PATIENCE: Duration = Duration::from_secs(1);

type Line = Arc<tokio::sync::Mutex<()>>;

/// Lets the commands that have met a conflict on one stream try again one after the other, in the order in which they
/// came. Otherwise they would go on to take the stream from each other, and some would never get it.
#[derive(Default)]
pub(super) struct Turns {
    lines: Mutex<HashMap<StreamId, Line>>,
}

/// The turn of one command, until it is dropped.
pub(super) struct Turn<'a> {
    _first: OwnedMutexGuard<()>,
    _place: Place<'a>,
}

/// A place in the line of a stream. The last one to leave takes the line away.
struct Place<'a> {
    turns: &'a Turns,
    stream: &'a StreamId,
    line: Line,
}

impl Turns {
    /// Waits for the turn of a command; `None` where it does not come in time.
    pub(super) async fn wait<'a>(&'a self, stream: &'a StreamId) -> Option<Turn<'a>> {
        let line = Arc::clone(self.lines().entry(stream.clone()).or_default());
        let place = Place { turns: self, stream, line };
        let first = tokio::time::timeout(PATIENCE, Arc::clone(&place.line).lock_owned()).await.ok()?;
        Some(Turn { _first: first, _place: place })
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut lines = self.turns.lines();
        // One is the map's, one is this place's; others only come by under the lock.
        if Arc::strong_count(&self.line) == 2 {
            lines.remove(self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: &str) -> StreamId {
        StreamId::new("order", id).expect("a stream's id")
    }

    #[tokio::test(start_paused = true)]
    async fn turns_on_one_stream_come_one_after_the_other() {
        let (turns, a, b) = (Turns::default(), stream("a"), stream("b"));
        let first = turns.wait(&a).await;
        assert!(first.is_some() && turns.wait(&b).await.is_some());
        assert!(turns.wait(&a).await.is_none(), "patience has an end");
        let (second, ()) = tokio::join!(turns.wait(&a), async { drop(first) });
        assert!(second.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_all_have_left_is_gone() {
        let (turns, a) = (Turns::default(), stream("a"));
        let first = turns.wait(&a).await;
        let dropped = tokio::time::timeout(Duration::from_millis(1), turns.wait(&a)).await;
        assert!(dropped.is_err());
        assert_eq!(turns.lines().len(), 1);
        drop(first);
        assert_eq!(turns.lines().len(), 0);
    }
}
