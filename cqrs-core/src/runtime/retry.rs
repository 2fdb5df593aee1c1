//! Tries parked events again.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::place::Place;
use crate::{
    envelope::{Position, RecordedEvent, StreamId, Version},
    store::{Commit, DeadLetter, Error, EventStore, Reason, Sequence, StreamRead},
};

/// Some letters of one sequence, in order, and their events.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) sequence: &'a Sequence,
    pub(super) letters: &'a [DeadLetter],
    /// Up to the first that the log does not have.
    pub(super) events: &'a [RecordedEvent],
    /// Nothing is written.
    pub(super) dry_run: bool,
}

/// What came of an attempt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attempted {
    /// How many letters, from the first on, were folded in.
    pub(super) resolved: usize,
    /// What is in the way of the next one.
    pub(super) failed: Option<(Position, String)>,
}

impl Attempted {
    /// Which letters come before the one that fails.
    pub(super) fn of(letters: &[DeadLetter], failed: Option<(Position, String)>) -> Self {
        let resolved = failed.as_ref().map_or(letters.len(), |(position, _)| {
            letters.iter().take_while(|letter| letter.position < *position).count()
        });
        Self { resolved, failed }
    }
}

impl Attempt<'_> {
    /// The event that the log has no more, where there is one.
    pub(super) fn missing(&self) -> Option<(Position, String)> {
        let letter = self.letters.get(self.events.len())?;
        let DeadLetter { position, stream, version, .. } = letter;
        Some((
            *position,
            format!(
                "the log has no event at version {version} of {stream} any more that is the one that was parked"
            ),
        ))
    }

    /// What a commit says of the letters, where the projection stays where it is.
    pub(super) fn commit(&self, place: &Place, attempted: &Attempted) -> Commit {
        let resolved = self.letters[..attempted.resolved]
            .iter()
            .map(|letter| (letter.sequence.clone(), letter.position))
            .collect();
        let parked = self.letters[attempted.resolved..].iter().take(1).filter_map(|letter| {
            let (_, error) = attempted.failed.as_ref()?;
            Some(DeadLetter {
                reason: Reason::Failed(error.clone()),
                attempts: letter.attempts.saturating_add(1),
                tried_at: Timestamp::now(),
                ..letter.clone()
            })
        });
        Commit { resolved, parked: parked.collect(), ..Commit::of(place.position, place.here()) }
    }
}

/// Reads the events of letters, up to the first that the log does not have.
pub(super) async fn events_of(
    log: &dyn EventStore,
    letters: &[DeadLetter],
) -> Result<Vec<RecordedEvent>, Error> {
    let mut wanted: BTreeMap<&StreamId, (Version, Version)> = BTreeMap::new();
    for DeadLetter { stream, version, .. } in letters {
        let (first, last) = wanted.entry(stream).or_insert((*version, *version));
        (*first, *last) = ((*first).min(*version), (*last).max(*version));
    }
    let known: HashSet<_> = letters.iter().map(|letter| (letter.position, letter.event_id)).collect();
    let mut found = HashMap::with_capacity(letters.len());
    for (stream, (first, last)) in wanted {
        let mut after = Version::new(first.get().saturating_sub(1));
        while after < last {
            let limit = usize::try_from(last.get() - after.get()).unwrap_or(usize::MAX).min(1_000);
            let page = log.read_stream(stream, StreamRead::After(after), limit).await?;
            let Some(end) = page.last().map(|event| event.version) else { break };
            after = end;
            let parked = page.into_iter().filter(|event| known.contains(&(event.position, event.event_id)));
            found.extend(parked.map(|event| (event.position, event)));
        }
    }
    Ok(letters.iter().map_while(|letter| found.remove(&letter.position)).collect())
}
