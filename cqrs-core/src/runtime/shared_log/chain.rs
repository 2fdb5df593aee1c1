use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    envelope::{EventId, Position, RecordedEvent},
    store::{EventFilter, LogPage},
};

/// The most that a window keeps. The newest page is kept in any case.
pub(super) const MOST_EVENTS: usize = 20_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What an event takes besides its data, about.
const EVENT_BYTES: usize = 512;

/// One read of the log.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime) struct Look {
    /// They are counted, so that also those of one moment have an order.
    pub(super) number: u64,
    /// Just before it.
    pub(super) began: Instant,
    pub(in crate::runtime) seen: Timestamp,
}

/// Pages of the log, each of which begins where the one before it ends.
#[derive(Debug)]
pub(super) struct Chain {
    /// The last read, which proved that all of this was in the log; `None` before the first.
    pub(super) look: Option<Look>,
    pub(super) start: Position,
    pub(super) end: Position,
    /// The head of the log, as the last read has found it.
    pub(super) head: Position,
    end_id: Option<EventId>,
    segments: VecDeque<Segment>,
}

#[derive(Debug)]
struct Segment {
    after: Position,
    before: Option<EventId>,
    through: Position,
    last: Option<EventId>,
    events: Vec<RecordedEvent>,
    /// It has what each of these picks.
    filters: Vec<Arc<EventFilter>>,
    bytes: usize,
}

impl Segment {
    /// The id of the event at a position in it; the segment does not know each.
    fn id_at(&self, position: Position) -> Result<Option<EventId>, Unknown> {
        match position {
            at if at == self.after => Ok(self.before),
            at if at == self.through => Ok(self.last),
            at => {
                let found = self.events.binary_search_by_key(&at, |event| event.position);
                found.map(|found| Some(self.events[found].event_id)).map_err(|_| Unknown)
            }
        }
    }
}

struct Unknown;

/// What a chain has for one reader, from a position on.
#[derive(Debug)]
pub(super) struct Stretch<'c> {
    pub(super) before: Option<EventId>,
    pub(super) events: Vec<&'c RecordedEvent>,
    pub(super) through: Position,
    pub(super) last: Option<EventId>,
    pub(super) rest: Rest,
}

/// What comes after a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing that was asked for: it is full.
    Full,
    /// The end of the chain.
    End,
    /// A part of the chain that was not read for this reader.
    Foreign,
}

impl Chain {
    pub(super) const fn at(start: Position) -> Self {
        let segments = VecDeque::new();
        Self { look: None, start, end: start, head: Position::ZERO, end_id: None, segments }
    }

    pub(super) fn contains(&self, position: Position) -> bool {
        self.start <= position && position <= self.end
    }

    /// At most `limit` events after a position that the filter picks; `None` where the chain does not tell.
    pub(super) fn stretch(&self, after: Position, filter: &EventFilter, limit: usize) -> Option<Stretch<'_>> {
        let is_read_for = |segment: &Segment| segment.filters.iter().any(|known| **known == *filter);
        let begin = self.segments.partition_point(|segment| segment.through <= after);
        let mut events = Vec::new();
        let Some(first) = self.segments.get(begin) else {
            let before = self.end_id;
            let found = Stretch { before, events, through: after, last: before, rest: Rest::End };
            return (after == self.end).then_some(found);
        };
        let before = first.id_at(after).ok()?;
        let (mut through, mut last) = (after, before);
        for segment in self.segments.range(begin..) {
            if !is_read_for(segment) {
                return Some(Stretch { before, events, through, last, rest: Rest::Foreign });
            }
            let from = segment.events.partition_point(|event| event.position <= after);
            for event in &segment.events[from..] {
                if filter.picks(event.stream.category(), &event.name) {
                    events.push(event);
                    if events.len() >= limit {
                        let (through, last) = (event.position, Some(event.event_id));
                        return Some(Stretch { before, events, through, last, rest: Rest::Full });
                    }
                }
            }
            (through, last) = (segment.through, segment.last);
        }
        Some(Stretch { before, events, through, last, rest: Rest::End })
    }

    /// Adds a page that was read from its end on. One that does not go on from there is given back: the log was put back.
    pub(super) fn extend(
        &mut self,
        page: LogPage,
        filters: Vec<Arc<EventFilter>>,
        look: Look,
    ) -> Result<(), LogPage> {
        let is_known = self.look.is_some();
        if page.through < self.end || (is_known && page.before != self.end_id) {
            return Err(page);
        }
        let LogPage { before, events, through, last, head } = page;
        if !is_known {
            self.end_id = before;
        }
        (self.look, self.head) = (Some(look), head);
        if through > self.end {
            let bytes = events.iter().map(|event| event.data.len() + EVENT_BYTES).sum();
            let after = self.end;
            self.segments.push_back(Segment { after, before, through, last, events, filters, bytes });
            (self.end, self.end_id) = (through, last);
        }
        while self.segments.len() > 1 && self.is_too_large() {
            self.drop_first();
        }
        Ok(())
    }

    /// How many events it has.
    pub(super) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.events.len()).sum()
    }

    fn is_too_large(&self) -> bool {
        let events = self.len();
        let bytes: usize = self.segments.iter().map(|segment| segment.bytes).sum();
        events > MOST_EVENTS || bytes > MOST_BYTES
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.segments.pop_front() {
            self.start = first.through;
        }
    }

    /// Drops what nobody needs who has come this far.
    pub(super) fn trim(&mut self, position: Position) {
        while self.segments.front().is_some_and(|first| first.through <= position) {
            self.drop_first();
        }
    }
}
