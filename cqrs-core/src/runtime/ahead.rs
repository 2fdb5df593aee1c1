use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet};

use super::{
    ended,
    pace::Pace,
    place::Goal,
    shared_log::{Answer, Expected, Follower, SharedLog},
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
    /// There was news already that it has nothing of.
    is_outrun: bool,
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
    log: Arc<dyn EventStore>,
    shared: Arc<SharedLog>,
    work: Arc<dyn Work>,
    filter: Arc<EventFilter>,
    /// Until it has begun.
    expected: Mutex<Option<Expected>>,
}

impl Reader {
    pub(super) fn of(log: &Arc<dyn EventStore>, shared: &Arc<SharedLog>, work: &Arc<dyn Work>) -> Self {
        let filter = Arc::new(EventFilter::of_feeds(&work.feeds()));
        let expected = Mutex::new(Some(shared.expect(Arc::clone(&filter))));
        Self { log: Arc::clone(log), shared: Arc::clone(shared), work: Arc::clone(work), filter, expected }
    }

    fn follow(&self) -> Follower {
        let expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner).take();
        expected.map_or_else(|| self.shared.follow(Arc::clone(&self.filter)), Expected::follow)
    }

    fn take_in(&self, Answer { page, look, is_outrun }: Answer) -> Page {
        Page {
            before: page.before,
            through: page.through,
            last: page.last,
            head: page.head,
            seen: look.seen,
            is_outrun,
            recorded: page.events.last().map(|event| event.metadata.time),
            events: page.events.len(),
            batch: self.work.take_in(page.events),
        }
    }
}

/// The pages of the log, one after the other. While one is being written, the next one is taken in, and far behind the head,
/// where nobody else is near, the one after that is read: catching up costs the longest of the three, not all of them. No more than these two pages are
/// there ahead of time. When the writing fails, all this is dropped, and with it what was read ahead.
pub(super) struct Pages {
    reader: Arc<Reader>,
    follower: Arc<Follower>,
    pub(super) pace: Pace,
    news: watch::Receiver<Position>,
    /// The last page had nothing of the news that were told.
    is_outrun: bool,
    ahead: JoinSet<Result<(Page, Option<Reading>), Error>>,
    /// The page after the one that was given out last.
    reading: Option<Reading>,
}

/// One page that is being read, unless this is dropped.
type Reading = JoinSet<Result<Answer, Error>>;

fn begin_to_read(follower: &Arc<Follower>, after: Position, limit: usize, told: Position) -> Reading {
    let follower = Arc::clone(follower);
    let mut reading = JoinSet::new();
    reading.spawn(async move { follower.read(after, limit, told).await });
    reading
}

impl Pages {
    pub(super) fn of(reader: &Arc<Reader>, pace: Pace) -> Self {
        Self {
            reader: Arc::clone(reader),
            follower: Arc::new(reader.follow()),
            pace,
            news: reader.log.watch(),
            is_outrun: false,
            ahead: JoinSet::new(),
            reading: None,
        }
    }

    /// The page after `place`: the one that was read ahead, or one that is read now.
    pub(super) async fn next(&mut self, after: Position) -> Result<Page, Error> {
        self.reading = None;
        let page = match self.ahead.join_next().await {
            Some(taken_in) => {
                let (page, reading) = taken_in.map_err(ended)??;
                self.reading = reading;
                page
            }
            None => {
                let head = *self.news.borrow_and_update();
                let limit = self.pace.limit(after, head);
                self.reader.take_in(self.follower.read(after, limit, head).await?)
            }
        };
        self.is_outrun = page.is_outrun;
        Ok(page)
    }

    /// Begins to read what comes after `page`, which is the one that was given out last, where there is more.
    pub(super) fn read_ahead(&mut self, page: &Page) {
        if page.is_at_head() {
            return;
        }
        let limit = self.pace.limit(page.through, page.head);
        let (mut reading, told) = match self.reading.take() {
            // What is told meanwhile is news to it still.
            Some(reading) => (reading, *self.news.borrow()),
            None => {
                let told = *self.news.borrow_and_update();
                (begin_to_read(&self.follower, page.through, limit, told), told)
            }
        };
        let (reader, follower) = (Arc::clone(&self.reader), Arc::clone(&self.follower));
        let far = self.pace.far();
        self.ahead.spawn(async move {
            let answer = reading.join_next().await.ok_or(Error::Closed)?.map_err(ended)??;
            let (through, head) = (answer.page.through, answer.page.head);
            // Where others share the pages, those that are quicker would run away from the rest.
            let is_worth_it = head.since(through) >= far && follower.is_alone(through);
            let further = is_worth_it.then(|| begin_to_read(&follower, through, limit, told));
            Ok((reader.take_in(answer), further))
        });
    }

    /// Waits until the log has told of news since the last page was asked for.
    pub(super) async fn news(&mut self) -> Result<(), Error> {
        if self.is_outrun {
            return Ok(());
        }
        self.news.changed().await.map_err(|_| Error::Closed)
    }
}
