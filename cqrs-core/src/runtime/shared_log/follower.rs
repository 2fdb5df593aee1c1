use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::{
    chain::Look,
    shared::SharedLog,
    union::union,
    window::{Ask, Offer, Window},
};
use crate::{
    envelope::Position,
    store::{Error, EventFilter, LogPage},
};

/// How many pages for others one page may cost, before the rest of it is read alone: who wants little of what the others
/// want goes ahead.
const MOST_READS: usize = 4;

/// One who reads the log from some place on, one page after the other.
#[derive(Debug)]
pub(in crate::runtime) struct Follower {
    shared: Arc<SharedLog>,
    filter: Arc<EventFilter>,
    number: u64,
    /// The reads until it was there.
    opened: u64,
    /// When the log looked as its last page says.
    looked: Mutex<Instant>,
}

/// A page, and when the log looked like that.
#[derive(Debug)]
pub(in crate::runtime) struct Answer {
    pub(in crate::runtime) page: LogPage,
    pub(in crate::runtime) look: Look,
    /// There was news already that the page has nothing of.
    pub(in crate::runtime) is_outrun: bool,
}

impl Follower {
    pub(super) fn new(shared: Arc<SharedLog>, filter: Arc<EventFilter>) -> Self {
        let (number, opened) = (shared.number(), shared.looks());
        Self { shared, filter, number, opened, looked: Mutex::new(Instant::now()) }
    }

    /// Has it count as near to all others until it reads, or until then.
    pub(super) fn announce(&self, until: Instant) {
        self.shared.announce(self.number, Arc::clone(&self.filter), until);
    }

    /// Reads at most `limit` events after a position, as [`read_log`](crate::store::EventStore::read_log) does.
    ///
    /// `told` is the head of the log that is known already. The page may have been read for another one, before this was
    /// asked for, and then without the newest events.
    pub(in crate::runtime) async fn read(
        &self,
        after: Position,
        limit: usize,
        told: Position,
    ) -> Result<Answer, Error> {
        let answer = self.answer(after, limit, told).await?;
        self.shared.moved(self.number, answer.page.through);
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = answer.look.began;
        Ok(answer)
    }

    /// Whether nobody else reads near there: then it is no matter to others how far ahead it reads.
    pub(in crate::runtime) fn is_alone(&self, at: Position) -> bool {
        self.shared.is_alone(self.number, at)
    }

    async fn answer(&self, after: Position, limit: usize, told: Position) -> Result<Answer, Error> {
        let Some(window) = self.shared.window(self.number, &self.filter, after) else {
            return self.alone(after, limit).await;
        };
        let (now, looked) = (Instant::now(), *self.looked.lock().unwrap_or_else(PoisonError::into_inner));
        let ask = Ask {
            after,
            filter: &self.filter,
            limit,
            told,
            opened: self.opened,
            asked: self.shared.looks(),
            // Were older looks good enough, nobody would look. So the log is read less than twice as often as the
            // quickest would read it.
            due: looked + now.duration_since(looked) / 2,
        };
        match self.in_window(&window, &ask).await? {
            Some(answer) => Ok(answer),
            None => self.beyond(&window, &ask).await,
        }
    }

    /// Takes the page from a window, and reads that on where need be.
    async fn in_window(&self, window: &Window, ask: &Ask<'_>) -> Result<Option<Answer>, Error> {
        let failures = window.failures();
        match window.offer(ask) {
            Offer::Page(answer) => return Ok(Some(answer)),
            Offer::Elsewhere => return Ok(None),
            Offer::ReadOn => {}
        }
        let _turn = window.turn.lock().await;
        // Where the log is away, all find that out at the same time, and not one after the other.
        if window.failures() != failures {
            return Ok(None);
        }
        for _ in 0..MOST_READS {
            match window.offer(ask) {
                Offer::Page(answer) => return Ok(Some(answer)),
                Offer::Elsewhere => return Ok(None),
                Offer::ReadOn => self.read_on(window, ask.limit).await?,
            }
        }
        Ok(match window.offer(ask) {
            Offer::Page(answer) => Some(answer),
            Offer::Elsewhere | Offer::ReadOn => None,
        })
    }

    async fn read_on(&self, window: &Window, limit: usize) -> Result<(), Error> {
        let end = window.chain().end;
        let filters = self.shared.wanted(&self.filter, end);
        let look = self.shared.look();
        match self.shared.log.read_log(end, &union(&filters), limit).await {
            Ok(page) => {
                if window.chain().extend(page, filters, look).is_err() {
                    window.close();
                }
                Ok(())
            }
            Err(error) => {
                window.fail();
                Err(error)
            }
        }
    }

    /// Takes what a window has of the page, and reads the rest alone.
    async fn beyond(&self, window: &Window, ask: &Ask<'_>) -> Result<Answer, Error> {
        let Some(part) = window.part(ask) else { return self.alone(ask.after, ask.limit).await };
        let rest = self.alone(part.through, ask.limit.saturating_sub(part.events.len())).await?;
        // Not the same log any more: then what it holds now is what counts.
        if rest.page.before != part.last || rest.page.through < part.through {
            window.close();
            return self.alone(ask.after, ask.limit).await;
        }
        let LogPage { events: more, through, last, head, .. } = rest.page;
        let mut events = part.events;
        events.extend(more);
        Ok(Answer { page: LogPage { before: part.before, events, through, last, head }, ..rest })
    }

    async fn alone(&self, after: Position, limit: usize) -> Result<Answer, Error> {
        let look = self.shared.look();
        let page = self.shared.log.read_log(after, &self.filter, limit).await?;
        Ok(Answer { page, look, is_outrun: false })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.leave(self.number);
    }
}
