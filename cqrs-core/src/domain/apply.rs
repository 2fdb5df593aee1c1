use super::{Id, IdError, Model, Payload, State};
use crate::envelope::Metadata;

/// A model's handler for one event. `#[event_handler]` inside of a `#[handlers]` block implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for the event `{E}`",
    label = "has no handler for `{E}`",
    note = "where the event makes no difference to it, say so: `#[handlers(ignore({E}))]`",
    note = "else add to a `#[handlers]` block of `{Self}`:\n\n    #[event_handler]\n    fn on_event(&mut self, event: &{E}) {{\n    }}"
)]
pub trait Apply<E: Payload>: Model {
    /// Hash of the handler's code: a snapshot that other handlers have folded is ignored.
    const FINGERPRINT: u64;

    /// The event makes no difference to this model, which said so by `ignore(…)`.
    const IGNORED: bool = false;

    /// The event belongs to the state whose key is the id of the event's own stream.
    const BY_STREAM: bool = true;

    /// Folding the event may read its metadata. `#[handlers]` knows; an impl by hand that says nothing may.
    const READS_METADATA: bool = true;

    /// Adds to `keys` the keys of all states that the event belongs to; `stream` is the id of the event's stream.
    ///
    /// # Errors
    ///
    /// [`IdError`] where the stream's id is none that the key's type accepts.
    fn route(event: &E, stream: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError>;

    /// Folds the event into the state.
    ///
    /// # Errors
    ///
    /// [`FoldError`] where the event creates a state that exists, or changes one that was never created.
    fn apply(state: State<Self>, event: &E, metadata: &Metadata) -> Result<State<Self>, FoldError>;
}

/// Names the key type of a model inside of generated code.
pub type Key<M> = <M as Model>::Key;

/// Holds where an event's stream is identified by the model's own key, so that it needs no `key = …`.
#[diagnostic::on_unimplemented(
    message = "`{E}` belongs to streams of `{Self}`, but the documents here have the key `{K}`",
    label = "say which document this event belongs to",
    note = "name it in the handler's attribute, such as `#[event_handler(key = event.some_id)]`, or `keys = …` for several"
)]
pub trait RoutedBy<K, E>: Id {}

impl<K: Id, E> RoutedBy<K, E> for K {}

/// An event met a state that it does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// The handler takes no `self` and so creates the state, which exists already.
    #[error("the event `{event}` creates `{model}`, which exists already")]
    Exists {
        /// The event's name.
        event: &'static str,
        /// The model's type.
        model: &'static str,
    },
    /// The handler takes `self`, but no event has created the state.
    #[error(
        "the event `{event}` changes `{model}`, which no earlier event has created; \
         give it a handler without `self`, or declare `{model}` as `default`"
    )]
    Missing {
        /// The event's name.
        event: &'static str,
        /// The model's type.
        model: &'static str,
    },
}
