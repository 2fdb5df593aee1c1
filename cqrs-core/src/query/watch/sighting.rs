use std::{cmp::Ordering, fmt, sync::Arc};

use crate::{
    envelope::{Json, Position},
    store::{Checkpoint, Error, ProjectionId, StoredDocument},
};

/// A document as the read store had it, or its absence.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    /// Which build it is of.
    build: ProjectionId,
    /// A checkpoint that the document is not older than.
    pub(super) checkpoint: Option<Checkpoint>,
    /// The document; one without data is the trace of a removed one.
    pub(super) document: Option<StoredDocument>,
}

impl Sighting {
    /// A document that was read after the checkpoint. Where documents are written before their checkpoint, it may be
    /// ahead of it: then it holds all up to its own last event.
    pub(super) fn new(
        build: ProjectionId,
        checkpoint: Option<Checkpoint>,
        document: Option<StoredDocument>,
    ) -> Self {
        let mut seen = Self { build, checkpoint: None, document };
        let applied = seen.applied();
        seen.checkpoint = checkpoint.map(|checkpoint| Checkpoint {
            position: checkpoint.position.max(applied),
            head: checkpoint.head.max(applied),
            ..checkpoint
        });
        seen
    }

    /// There is a view to show.
    pub(super) fn is_there(&self) -> bool {
        self.data().is_some()
    }

    /// What it shows, as against `before`, is another state, and no older one.
    pub(super) fn follows(&self, before: &Self) -> bool {
        match self.build.cmp(&before.build) {
            // A build takes the place of older ones, and is not followed by them.
            Ordering::Less => false,
            Ordering::Greater => self.data() != before.data() && self.is_as_far_as(before.applied()),
            Ordering::Equal => self.follows_in_build(before),
        }
    }

    fn follows_in_build(&self, before: &Self) -> bool {
        match (&self.document, &before.document) {
            (Some(now), Some(before)) if now.applied == before.applied => now.data != before.data,
            (Some(now), Some(before)) => {
                now.applied > before.applied && (now.data.is_some() || before.data.is_some())
            }
            (Some(now), None) => now.data.is_some(),
            // Nothing is left of it, not even a trace: a projection that was built anew may not have it.
            (None, Some(before)) => before.data.is_some() && self.is_as_far_as(before.applied),
            (None, None) => false,
        }
    }

    /// It is not older than `before`, changed or not.
    pub(super) fn is_no_older_than(&self, before: &Self) -> bool {
        match (self.build.cmp(&before.build), &self.document) {
            (Ordering::Less, _) => false,
            (Ordering::Equal, Some(now)) => now.applied >= before.applied(),
            (Ordering::Equal, None) | (Ordering::Greater, _) => {
                before.document.is_none() || self.is_as_far_as(before.applied())
            }
        }
    }

    /// What there is to show.
    fn data(&self) -> Option<&Json> {
        self.document.as_ref()?.data.as_ref()
    }

    /// The last event in the document, or its trace.
    fn applied(&self) -> Position {
        self.document.as_ref().map_or(Position::ZERO, |document| document.applied)
    }

    /// The same, said to be as fresh as something that was seen before it, where that was fresher: a state that follows
    /// another one holds all that the other one held.
    pub(super) fn after(self, before: &Self) -> Self {
        let checkpoint = match (self.checkpoint, before.checkpoint) {
            (Some(now), Some(before)) if now.log == before.log && !now.diverged => {
                Some(if now.position < before.position { before } else { now })
            }
            (now, before) => now.or(before),
        };
        Self { checkpoint, ..self }
    }

    fn is_as_far_as(&self, position: Position) -> bool {
        self.checkpoint.is_some_and(|checkpoint| checkpoint.position >= position)
    }
}

/// One error for all who watch.
#[derive(Debug)]
pub(super) struct Shared(Arc<Error>);

/// The error again, for one of those who watch.
pub(super) fn again(error: &Arc<Error>) -> Error {
    match &**error {
        Error::Unavailable { doing, .. } => Error::unavailable(doing, Shared(Arc::clone(error))),
        Error::Corrupt { what } => Error::corrupt(what.clone()),
        Error::NewerFormat { found, known } => Error::NewerFormat { found: *found, known: *known },
        Error::Invalid { what } => Error::invalid(what.clone()),
        Error::Closed => Error::Closed,
    }
}

impl Shared {
    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

/// As the cause, in whose place it stands.
impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause().and_then(std::error::Error::source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{envelope::LogId, runtime::with_causes};

    fn log() -> LogId {
        LogId::from_uuid(uuid::Uuid::from_u128(7))
    }

    fn at(position: u64, applied: Option<(u64, Option<&str>)>) -> Sighting {
        let document = applied.map(|(applied, data)| StoredDocument {
            key: "a".to_owned(),
            created: Position::new(1),
            applied: Position::new(applied),
            data: data.map(|data| Json::from_store(data.to_owned())),
        });
        let position = Position::new(position);
        let as_of = jiff::Timestamp::UNIX_EPOCH;
        let checkpoint = Checkpoint {
            log: log(),
            position,
            last: None,
            diverged: false,
            head: position,
            as_of,
            parked: 0,
            fence: 0,
            standing: crate::store::Standing::Live,
            partitions: 1,
        };
        Sighting::new(ProjectionId::new("summary", 1), Some(checkpoint), document)
    }

    #[test]
    fn a_state_follows_an_older_one_and_no_newer_one() {
        let (old, new) = (at(5, Some((3, Some("3")))), at(5, Some((4, Some("4")))));
        assert!(new.follows(&old) && new.is_no_older_than(&old));
        assert!(!old.follows(&new) && !old.is_no_older_than(&new));
        assert!(!new.follows(&new) && new.is_no_older_than(&new));
    }

    #[test]
    fn a_document_that_was_built_anew_follows_itself() {
        let old = at(5, Some((3, Some("old"))));
        assert!(at(5, Some((3, Some("new")))).follows(&old));
    }

    /// The same in a build that takes the place of those of the others.
    fn anew(position: u64, applied: Option<(u64, Option<&str>)>) -> Sighting {
        let seen = at(position, applied);
        Sighting { build: seen.build.generation(1), ..seen }
    }

    #[test]
    fn a_newer_build_follows_with_whatever_it_has_once_it_is_as_far() {
        let shown = at(7, Some((7, Some("7"))));
        // It may pass over events that the older one has taken.
        for other in [Some((3, Some("3"))), Some((7, Some("new"))), Some((7, None)), None] {
            assert!(anew(7, other).follows(&shown) && anew(7, other).is_no_older_than(&shown), "{other:?}");
            assert!(!anew(2, other.filter(|(applied, _)| *applied < 7)).follows(&shown), "it is not as far");
        }
        assert!(!anew(7, Some((3, Some("7")))).follows(&shown), "it shows the same");
        assert!(anew(9, Some((9, Some("9")))).follows(&anew(7, Some((3, Some("3"))))));
    }

    #[test]
    fn an_older_build_never_follows() {
        let shown = [anew(5, Some((3, Some("3")))), anew(5, Some((5, None))), anew(5, None)];
        for shown in shown {
            for late in [at(5, Some((3, Some("old")))), at(6, Some((6, Some("6")))), at(6, None)] {
                assert!(!late.follows(&shown) && !late.is_no_older_than(&shown), "{late:?} after {shown:?}");
            }
        }
    }

    #[test]
    fn a_removal_is_told_once() {
        let (there, removed, again) =
            (at(3, Some((3, Some("3")))), at(4, Some((4, None))), at(6, Some((6, None))));
        assert!(removed.follows(&there) && !again.follows(&removed) && again.is_no_older_than(&removed));
        assert!(!there.follows(&removed), "what comes late is not shown");
        assert!(at(5, Some((5, Some("5")))).follows(&removed), "it may come back");
        assert!(!removed.follows(&at(3, None)), "what was never shown is not removed");
    }

    #[test]
    fn a_document_without_a_trace_is_removed_where_the_store_is_as_far() {
        let there = at(3, Some((3, Some("3"))));
        assert!(at(3, None).follows(&there));
        assert!(!at(2, None).follows(&there) && !at(2, None).is_no_older_than(&there));
    }

    #[test]
    fn a_document_ahead_of_its_checkpoint_is_as_fresh_as_itself() {
        let ahead = at(3, Some((5, Some("5")))).checkpoint.expect("one");
        assert_eq!((ahead.position.get(), ahead.head.get()), (5, 5));
    }

    #[test]
    fn what_follows_is_as_fresh_as_what_it_follows() {
        let (first, late) = (at(9, Some((3, Some("3")))), at(5, Some((4, Some("4")))));
        assert_eq!(late.after(&first).checkpoint.expect("one").position.get(), 9);
    }

    #[test]
    fn an_error_reads_the_same_for_each_who_watches() {
        let error = Arc::new(Error::unavailable("reads", std::io::Error::other("the cable is cut")));
        assert_eq!(with_causes(&again(&error)), with_causes(&*error));
    }
}
