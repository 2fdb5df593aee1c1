use std::sync::Arc;

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet};

use super::{
    ended,
    pace::Pace,
    place::Goal,
    work::{Batch, Work},
};
use crate::{
    envelope::{EventId, Position},
    store::{Error, EventFilter, EventStore},
};

/// A page of the log, read for one projection.
pub(super) struct Page {
    /// The id of the event after which the page begins.
    pub(super) before: Option<EventId>,
    /// Every event up to here has been looked at.
    pub(super) through: Position,
    /// The head of the log when the page was read.
    pub(super) head: Position,
    /// How many events it has.
    pub(super) events: usize,
    last: Option<EventId>,
    /// Just before the page was read.
    seen: Timestamp,
    /// When the last of its events was recorded.
    recorded: Option<Timestamp>,
    /// What the events ask for.
    pub(super) batch: Box<dyn Batch>,
}

impl Page {
    pub(super) fn is_at_head(&self) -> bool {
        self.through >= self.head
    }

    /// Whether it comes after the event that was applied last, `last` at `position`. A log that was put back to an earlier state
    /// may have grown beyond the position again, also under a projection that runs: then nothing tells but the event.
    pub(super) fn comes_after(&self, position: Position, last: Option<EventId>) -> bool {
        let is_known = self.before.is_some() && (last.is_none() || self.before == last);
        position == Position::ZERO || (is_known && self.head >= position)
    }

    /// Where the page leads from a place that is this fresh.
    pub(super) fn goal(&self, as_of: Timestamp) -> Goal {
        let as_of = match self.recorded {
            _ if self.is_at_head() => self.seen,
            Some(recorded) => recorded,
            None => as_of,
        };
        Goal { position: self.through, last: self.last, head: self.head, as_of }
    }
}

/// Reads the log for one projection.
pub(super) struct Reader {
    pub(super) log: Arc<dyn EventStore>,
    pub(super) work: Arc<dyn Work>,
    pub(super) filter: EventFilter,
}

impl Reader {
    async fn read(&self, after: Position, limit: usize) -> Result<Page, Error> {
        let seen = Timestamp::now();
        let page = self.log.read_log(after, &self.filter, limit).await?;
        Ok(Page {
            before: page.before,
            through: page.through,
            last: page.last,
            head: page.head,
            seen,
            recorded: page.events.last().map(|event| event.metadata.time),
            events: page.events.len(),
            batch: self.work.take_in(page.events),
        })
    }
}

/// The pages of the log, one after the other, each read and taken in while the one before is being written: catching up
/// costs the longer of the two, not both. At most one page is read ahead. When the writing fails, all this is
/// dropped, and with it the page that was read ahead.
pub(super) struct Pages {
    reader: Arc<Reader>,
    pub(super) pace: Pace,
    news: watch::Receiver<Position>,
    ahead: JoinSet<Result<Page, Error>>,
}

impl Pages {
    pub(super) fn of(reader: &Arc<Reader>, pace: Pace) -> Self {
        Self { reader: Arc::clone(reader), pace, news: reader.log.watch(), ahead: JoinSet::new() }
    }

    /// The page after `place`: the one that was read ahead, or one that is read now.
    pub(super) async fn next(&mut self, after: Position) -> Result<Page, Error> {
        match self.ahead.join_next().await {
            Some(Ok(page)) => page,
            Some(Err(error)) => Err(ended(error)),
            None => {
                let head = *self.news.borrow_and_update();
                self.reader.read(after, self.pace.limit(after, head)).await
            }
        }
    }

    /// Begins to read what comes after `page`, where there is more.
    pub(super) fn read_ahead(&mut self, page: &Page) {
        if !page.is_at_head() {
            self.news.borrow_and_update();
            let (reader, after) = (Arc::clone(&self.reader), page.through);
            let limit = self.pace.limit(after, page.head);
            self.ahead.spawn(async move { reader.read(after, limit).await });
        }
    }

    /// Waits until the log has told of news since the last page was asked for.
    pub(super) async fn news(&mut self) -> Result<(), Error> {
        self.news.changed().await.map_err(|_| Error::Closed)
    }
}
