use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use tokio::time::Instant;

use super::{
    chain::{Chain, Rest, Stretch},
    follower::Answer,
};
use crate::{
    envelope::Position,
    store::{EventFilter, LogPage},
};

/// A stretch of the log that several read, and the right to read on from its end.
#[derive(Debug)]
pub(super) struct Window {
    chain: Mutex<Chain>,
    /// Held by the one who reads, for as long as that takes: what the others wait for. Whoever is next finds what was read,
    /// or, where reading was given up, reads.
    pub(super) turn: tokio::sync::Mutex<()>,
    failures: AtomicU64,
    closed: AtomicBool,
}

/// What a projection asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) after: Position,
    pub(super) filter: &'a EventFilter,
    pub(super) limit: usize,
    /// The head of the log that it has been told of.
    pub(super) told: Position,
    /// The reads until it began to follow the log. They tell it nothing: the log may have been put back since.
    pub(super) opened: u64,
    /// The reads until it asked.
    pub(super) asked: u64,
    /// A look at the head must not be older.
    pub(super) due: Instant,
}

/// What a window has for one who asks.
#[derive(Debug)]
pub(super) enum Offer {
    Page(Answer),
    /// Not all of it: the log has to be read on from the window's end.
    ReadOn,
    /// It is not for this one, from some place on.
    Elsewhere,
}

impl Window {
    pub(super) const fn at(start: Position) -> Self {
        Self {
            chain: Mutex::new(Chain::at(start)),
            turn: tokio::sync::Mutex::const_new(()),
            failures: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many reads have failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(SeqCst)
    }

    pub(super) fn fail(&self) {
        self.failures.fetch_add(1, SeqCst);
    }

    /// What it holds is not what the log holds.
    pub(super) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    pub(super) fn offer(&self, ask: &Ask<'_>) -> Offer {
        let chain = self.chain();
        if self.is_closed() || !chain.contains(ask.after) {
            return Offer::Elsewhere;
        }
        let Some(look) = chain.look.filter(|look| look.number > ask.opened) else { return Offer::ReadOn };
        let Some(stretch) = chain.stretch(ask.after, ask.filter, ask.limit) else { return Offer::Elsewhere };
        let is_new = look.number > ask.asked;
        let serves = match stretch.rest {
            Rest::Foreign => return Offer::Elsewhere,
            Rest::Full => true,
            Rest::End if chain.end < chain.head => false,
            // Something to do comes before a newer look.
            Rest::End => {
                let helps = stretch.through > ask.after || ask.told <= chain.head;
                is_new || (look.began >= ask.due && helps)
            }
        };
        if !serves {
            return Offer::ReadOn;
        }
        let is_outrun = !is_new && ask.told > chain.head;
        Offer::Page(Answer { page: page(&stretch, chain.head), look, is_outrun })
    }

    /// What it has for one who reads the rest alone, from its end on.
    pub(super) fn part(&self, ask: &Ask<'_>) -> Option<LogPage> {
        let chain = self.chain();
        if self.is_closed() {
            return None;
        }
        // One event is left for the read that proves it: it may have been read before this reader began.
        let limit = ask.limit.checked_sub(1).filter(|limit| *limit > 0)?;
        let stretch = chain.stretch(ask.after, ask.filter, limit)?;
        (stretch.through > ask.after).then(|| page(&stretch, chain.head))
    }
}

fn page(stretch: &Stretch<'_>, head: Position) -> LogPage {
    let Stretch { before, events, through, last, .. } = stretch;
    let events = events.iter().copied().cloned().collect();
    LogPage { before: *before, events, through: *through, last: *last, head }
}
