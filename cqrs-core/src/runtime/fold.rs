use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use smallvec::SmallVec;

use super::with_causes;
use crate::{
    domain::{Fed, Projection, State},
    envelope::{Position, RecordedEvent},
    store::{Change, Data, DataFormat, DocumentWrite, StoredDocument},
};

/// Runs code of the application: its errors and its panics are one thing to a projection.
pub(crate) fn guarded<T, E: std::error::Error + 'static>(
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(with_causes(&error)),
        Err(panic) => Err(format!("a handler panicked: {}", panic_text(&*panic))),
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("…")
}

/// A document while a batch is folded into it.
pub(super) struct Document<'e, P> {
    stored: Option<&'e StoredDocument>,
    state: State<P>,
    created: Position,
    applied: Position,
    /// What this batch has folded in, for getting the state back after a handler has failed with it in hand.
    folded: SmallVec<[(&'e dyn Fed<P>, &'e RecordedEvent); 1]>,
    /// Why the state could not be got back: nothing of this batch may be written.
    lost: Option<String>,
}

impl<'e, P: Projection> Document<'e, P> {
    /// Takes up a document, or starts one.
    pub(super) fn open(stored: Option<&'e StoredDocument>) -> Result<Self, String> {
        let (created, applied) =
            stored.map_or((Position::ZERO, Position::ZERO), |stored| (stored.created, stored.applied));
        let state = read(stored)?;
        Ok(Self { stored, state, created, applied, folded: SmallVec::new(), lost: None })
    }

    /// The last event that is folded in.
    pub(super) const fn applied(&self) -> Position {
        self.applied
    }

    /// Folds one event in. One that the document has already is passed over. After an error the document is as
    /// before.
    pub(super) fn fold(&mut self, fed: &'e dyn Fed<P>, event: &'e RecordedEvent) -> Result<(), String> {
        if event.position <= self.applied {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.state, State::Absent);
        let existed = matches!(before, State::Present(_));
        match guarded(|| fed.fold(before, &event.metadata)) {
            Ok(state) => {
                if !existed && matches!(state, State::Present(_)) {
                    self.created = event.position;
                }
                self.state = state;
                self.applied = event.position;
                self.folded.push((fed, event));
                Ok(())
            }
            Err(error) => {
                match self.refold() {
                    Ok(state) => self.state = state,
                    Err(error) => self.lost = Some(error),
                }
                Err(error)
            }
        }
    }

    /// A fold is deterministic: what went well once goes well again. Where it does not, the handler is at fault.
    fn refold(&self) -> Result<State<P>, String> {
        self.folded
            .iter()
            .try_fold(read(self.stored)?, |state, (fed, event)| guarded(|| fed.fold(state, &event.metadata)))
    }

    /// What has to be written; nothing where no event was folded in.
    pub(super) fn into_write(self, key: &str, format: DataFormat) -> Result<Option<DocumentWrite>, String> {
        if self.folded.is_empty() {
            return Ok(None);
        }
        if let Some(error) = self.lost {
            return Err(error);
        }
        let change = match &self.state {
            State::Present(view) => guarded(|| {
                Ok::<_, serde_json::Error>(Change::Put {
                    data: Data::of(view, format)?,
                    indexes: view.index_values()?,
                })
            })?,
            State::Absent | State::Removed => Change::Remove,
        };
        Ok(Some(DocumentWrite { key: key.to_owned(), created: self.created, applied: self.applied, change }))
    }
}

fn read<P: Projection>(stored: Option<&StoredDocument>) -> Result<State<P>, String> {
    let Some(stored) = stored else { return Ok(State::Absent) };
    let Some(data) = &stored.data else { return Ok(State::Removed) };
    guarded(|| data.parse()).map(State::Present).map_err(|error| {
        format!(
            "the stored document does not fit `{}`; raise the projection's `version` when its fields change: {error}",
            crate::__private::short_type_name::<P>()
        )
    })
}
