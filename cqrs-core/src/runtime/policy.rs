use std::{collections::HashSet, sync::Arc};

use crate::{
    domain::OnError,
    store::{CommitError, DeadLetter, Error, Reason, Sequence},
};

/// What becomes of events that can't be folded in.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) on_error: OnError,
    /// The most sequences that may be parked.
    pub(super) max_parked: usize,
    /// Those in other partitions, as far as they are known. A stream may be parked in several of them, and is one.
    pub(super) others: Arc<HashSet<Sequence>>,
}

/// Why a page was not written.
#[derive(Debug)]
pub(super) enum Stop {
    Commit(CommitError),
    /// What is wrong with an event may pass.
    Retry(String),
    /// A person has to look.
    Halt(String),
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        Self::Commit(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Commit(error.into())
    }
}

impl Policy {
    /// Whether these letters may be written, next to what is parked already.
    pub(super) fn judge(&self, letters: &[DeadLetter], parked: &HashSet<Sequence>) -> Result<(), Stop> {
        let failed = letters.iter().find_map(|letter| match &letter.reason {
            Reason::Failed(error) => Some((letter, error)),
            Reason::Queued => None,
        });
        let Some((letter, error)) = failed else { return Ok(()) };
        let DeadLetter { position, stream, event, .. } = letter;
        let what =
            format!("the event `{event}` of {stream} at position {position} can't be folded in: {error}");
        match self.on_error {
            OnError::Retry => Err(Stop::Retry(what)),
            OnError::Halt => Err(Stop::Halt(format!(
                "{what}. Mend the handler and start again, or let the projection park such events \
                 (`on_error = \"park\"`)"
            ))),
            OnError::Park => {
                let new: HashSet<&Sequence> = letters
                    .iter()
                    .map(|letter| &letter.sequence)
                    .filter(|new| !parked.contains(*new) && !self.others.contains(*new))
                    .collect();
                let others = self.others.iter().filter(|other| !parked.contains(*other)).count();
                let (known, most) = (parked.len() + others, self.max_parked);
                if new.is_empty() {
                    return Ok(());
                }
                if known + new.len() <= most {
                    return Ok(());
                }
                Err(Stop::Halt(format!(
                    "{what}. With it, {} sequences would be parked, and the limit is {most}: mend the handler and start \
                     again; nothing of this page is lost. Or raise the limit (`RuntimeOptions::max_parked`)",
                    known + new.len()
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::envelope::{EventId, Position, StreamId, Version};

    fn letter(key: &str, reason: Reason) -> DeadLetter {
        DeadLetter {
            sequence: Sequence::Document(key.to_owned()),
            position: Position::new(7),
            event_id: EventId::generate(),
            stream: StreamId::new("order", "1").expect("a name"),
            version: Version::new(2),
            event: "order_placed".to_owned(),
            reason,
            parked_at: Timestamp::UNIX_EPOCH,
            attempts: 1,
            tried_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn failed(key: &str) -> DeadLetter {
        letter(key, Reason::Failed("no such thing".to_owned()))
    }

    fn text(stop: Result<(), Stop>) -> String {
        match stop.expect_err("it stops") {
            Stop::Commit(error) => panic!("{error}"),
            Stop::Retry(text) => format!("retry: {text}"),
            Stop::Halt(text) => format!("halt: {text}"),
        }
    }

    #[test]
    fn events_that_only_queue_are_parked_under_every_policy() {
        for on_error in [OnError::Park, OnError::Retry, OnError::Halt] {
            let policy = Policy { on_error, max_parked: 0, others: Arc::default() };
            policy.judge(&[letter("a", Reason::Queued)], &HashSet::new()).expect("it queues");
        }
    }

    #[test]
    fn a_policy_decides_what_becomes_of_a_failure_and_names_the_event() {
        let judge = |on_error| {
            let policy = Policy { on_error, max_parked: 1, others: Arc::default() };
            policy.judge(&[letter("b", Reason::Queued), failed("a")], &HashSet::new())
        };
        for (on_error, verb) in [(OnError::Retry, "retry: "), (OnError::Halt, "halt: ")] {
            let text = text(judge(on_error));
            assert!(text.starts_with(verb), "{text}");
            for part in ["`order_placed`", "order/1", "position 7", "no such thing"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn so_many_sequences_are_parked_and_no_more() {
        let policy = Policy { on_error: OnError::Park, max_parked: 2, others: Arc::default() };
        let parked = HashSet::from([Sequence::Document("a".to_owned())]);
        policy.judge(&[failed("a"), failed("b"), failed("b")], &parked).expect("two are allowed");
        let text = text(policy.judge(&[failed("a"), failed("b"), failed("c")], &parked));
        assert!(
            text.starts_with("halt: ") && text.contains("3 sequences") && text.contains("is 2"),
            "{text}"
        );
    }
}
