use cqrs_core::{
    envelope::Metadata,
    store::{Append, AppendError, AppendOutcome, CommandRecord, Condition, Error, NewEvent, Snapshot},
};
use tokio::sync::oneshot;

use super::options::Limits;
use crate::file::Failure;

/// What waits for the writer.
#[derive(Debug)]
pub(super) enum Job {
    Append(Checked, oneshot::Sender<Result<AppendOutcome, AppendError>>),
    SaveSnapshot(Snapshot, oneshot::Sender<Result<(), Error>>),
    DropSnapshots(String, oneshot::Sender<Result<(), Error>>),
}

impl Job {
    /// Nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Append(_, answer) => answer.is_closed(),
            Self::SaveSnapshot(_, answer) | Self::DropSnapshots(_, answer) => answer.is_closed(),
        }
    }

    /// Nothing became of it.
    pub(super) fn fail(self, failure: &Failure) {
        // Who no longer waits needs no answer.
        match self {
            Self::Append(_, answer) => drop(answer.send(Err(Error::from(failure.clone()).into()))),
            Self::SaveSnapshot(_, answer) | Self::DropSnapshots(_, answer) => {
                drop(answer.send(Err(failure.clone().into())));
            }
        }
    }

    /// Nobody can tell what became of it.
    pub(super) fn lose(self, failure: &Failure) {
        match self {
            Self::Append(_, answer) => {
                let source = Error::from(failure.clone()).into();
                drop(answer.send(Err(AppendError::OutcomeUnknown { source })));
            }
            snapshot => snapshot.fail(failure),
        }
    }
}

/// An append within the store's limits.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) conditions: Vec<Condition>,
    pub(super) events: Vec<NewEvent>,
    pub(super) metadata: String,
    pub(super) command: Option<CommandRecord>,
}

impl Checked {
    /// Refuses what is too large; what is left can fail for reasons of the log only.
    pub(super) fn new(append: Append, limits: &Limits) -> Result<Self, AppendError> {
        let Append { conditions, past: _, events, metadata, command } = append;
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
        let metadata = metadata_text(&metadata)?;
        let answer = command.as_ref().and_then(|command| command.answer.as_ref()).map_or(0, String::len);
        for (what, size, limit) in [
            ("conditions", conditions.len(), limits.events),
            ("bytes of metadata", metadata.len(), limits.event_bytes),
            ("bytes of the command's answer", answer, limits.event_bytes),
        ] {
            if size > limit {
                return Err(
                    Error::invalid(format!("{size} {what} in one append, but the limit is {limit}")).into()
                );
            }
        }
        Ok(Self { conditions, events, metadata, command })
    }
}

fn metadata_text(metadata: &Metadata) -> Result<String, Error> {
    serde_json::to_string(metadata)
        .map_err(|error| Error::invalid(format!("the metadata can't be serialised: {error}")))
}
