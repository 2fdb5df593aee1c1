use std::time::Instant;

use cqrs_core::{
    envelope::{Metadata, StreamId, Version},
    store::{Append, AppendError, AppendOutcome, CommandRecord, Condition, Error, NewEvent, Past},
};
use tokio::sync::oneshot;

use super::options::Limits;

/// An append that waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Checked,
    pub(super) answer: oneshot::Sender<Result<AppendOutcome, AppendError>>,
    pub(super) deadline: Instant,
    /// It has been sent, and nobody knows what became of it.
    pub(super) unknown: bool,
    /// The log has another past by now than its conditions rest on.
    pub(super) outdated: bool,
}

impl Job {
    /// Nobody waits for the answer any more, and nothing has been done.
    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.is_closed() && !self.unknown
    }

    pub(super) fn answer(self, outcome: Result<AppendOutcome, AppendError>) {
        // Who no longer waits needs no answer.
        drop(self.answer.send(outcome));
    }

    /// It can't be done now: nothing became of it, or nobody can tell.
    pub(super) fn fail(self, error: impl Into<Error>) {
        let error = error.into();
        let outcome =
            if self.unknown { AppendError::OutcomeUnknown { source: error.into() } } else { error.into() };
        self.answer(Err(outcome));
    }
}

/// An append within the store's limits.
#[derive(Debug)]
pub(super) struct Checked {
    /// Streams, and the versions that they are to be at.
    pub(super) conditions: Vec<(StreamId, Version)>,
    pub(super) past: Past,
    pub(super) events: Vec<NewEvent>,
    pub(super) metadata: String,
    pub(super) command: Option<CommandRecord>,
}

impl Checked {
    /// Refuses what is too large, and what PostgreSQL can't hold; what is left can fail for reasons of the log only.
    pub(super) fn new(append: Append, limits: &Limits) -> Result<Self, AppendError> {
        let Append { conditions, past, events, metadata, command } = append;
        if events.len() > limits.events {
            return Err(AppendError::TooMany { count: events.len(), limit: limits.events });
        }
        if let Some(event) = events.iter().find(|event| event.data.len() > limits.event_bytes) {
            return Err(AppendError::TooLarge {
                event: event.name.clone().into_owned(),
                size: event.data.len(),
                limit: limits.event_bytes,
            });
        }
        let conditions = conditions.into_iter().map(condition).collect::<Result<_, _>>()?;
        let checked = Self { conditions, past, events, metadata: metadata_text(&metadata)?, command };
        checked.check_sizes(limits)?;
        checked.check_texts()?;
        Ok(checked)
    }

    fn answer(&self) -> &str {
        self.command.as_ref().and_then(|command| command.answer.as_deref()).unwrap_or_default()
    }

    fn check_sizes(&self, limits: &Limits) -> Result<(), Error> {
        for (what, size, limit) in [
            ("conditions", self.conditions.len(), limits.events),
            ("bytes of metadata", self.metadata.len(), limits.event_bytes),
            ("bytes of the command's answer", self.answer().len(), limits.event_bytes),
            ("bytes", self.bytes(), limits.append_bytes),
        ] {
            if size > limit {
                return Err(Error::invalid(format!("{size} {what} in one append, but the limit is {limit}")));
            }
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), Error> {
        let names = self.events.iter().map(|event| ("name of an event", &*event.name));
        match names.chain([("answer of a command", self.answer())]).find(|(_, text)| text.contains('\0')) {
            Some((what, text)) => Err(Error::invalid(format!(
                "the {what} has a character U+0000, which PostgreSQL can't hold: {text:?}"
            ))),
            None => Ok(()),
        }
    }

    /// What it adds to the size of a batch: its metadata go with each event.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.data.len() + self.metadata.len()).sum()
    }
}

fn condition(condition: Condition) -> Result<(StreamId, Version), Error> {
    match condition {
        Condition::Version { stream, expected } => Ok((stream, expected)),
        // A kind of condition that is not known here must not be taken for one that holds.
        other => Err(Error::invalid(format!("PostgreSQL knows no such condition: {other:?}"))),
    }
}

fn metadata_text(metadata: &Metadata) -> Result<String, Error> {
    serde_json::to_string(metadata)
        .map_err(|error| Error::invalid(format!("the metadata can't be serialised: {error}")))
}
