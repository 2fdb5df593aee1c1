use super::{Apply, DecodeError, EventType, FoldError, IdError, Model, Payload, SchemaVersion, State};
use crate::envelope::{Json, Metadata};

/// Folds events into a model `S`: implemented for an event set where `S` handles each of its events, and for
/// [`One`] event where `S` handles that one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be folded into `{S}`",
    label = "`{S}` does not handle all of its events"
)]
pub trait Fold<S: Model>: Sized + Send + Sync + 'static {
    /// Hash of the code of all handlers involved.
    const FINGERPRINT: u64;

    /// The category of the streams that these events are in.
    const CATEGORY: &'static str;

    /// All events of that category matter (an event set), or just [those listed](Self::types).
    const WHOLE: bool;

    /// Whether an event that can't be read still belongs to the key that is its stream's id.
    const BY_STREAM: bool;

    /// [Folding](Self::fold) one of these events may read its metadata. `#[derive(Event)]` knows; an impl by hand
    /// that says nothing may.
    const READS_METADATA: bool = true;

    /// The events, ignored ones included.
    fn types() -> &'static [EventType];

    /// The model has said that this event makes no difference to it.
    fn ignores(name: &str) -> bool;

    /// Reads a recorded event.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`](super::Event::decode).
    fn read(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError>;

    /// Adds the keys of the states that this event belongs to.
    ///
    /// # Errors
    ///
    /// As [`Apply::route`].
    fn route(&self, stream: &str, keys: &mut Vec<S::Key>) -> Result<(), IdError>;

    /// Folds this event into a state.
    ///
    /// # Errors
    ///
    /// As [`Apply::apply`].
    fn fold(&self, state: State<S>, metadata: &Metadata) -> Result<State<S>, FoldError>;
}

/// An event that feeds a model alone, without the rest of its set.
#[derive(Clone, Debug)]
pub struct One<E>(E);

impl<S: Apply<E>, E: Payload> Fold<S> for One<E> {
    const FINGERPRINT: u64 = <S as Apply<E>>::FINGERPRINT;
    const CATEGORY: &'static str = <E::Set as super::Event>::STREAM;
    const WHOLE: bool = false;
    const BY_STREAM: bool = <S as Apply<E>>::BY_STREAM;
    const READS_METADATA: bool = <S as Apply<E>>::READS_METADATA;

    fn types() -> &'static [EventType] {
        const { &[E::TYPE] }
    }

    fn ignores(_: &str) -> bool {
        <S as Apply<E>>::IGNORED
    }

    fn read(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        if name == E::TYPE.name {
            <E as Payload>::decode(version, data).map(One)
        } else {
            Err(DecodeError::UnknownName {
                category: <E::Set as super::Event>::STREAM,
                name: name.to_owned(),
                known: vec![E::TYPE.name],
            })
        }
    }

    fn route(&self, stream: &str, keys: &mut Vec<S::Key>) -> Result<(), IdError> {
        <S as Apply<E>>::route(&self.0, stream, keys)
    }

    fn fold(&self, state: State<S>, metadata: &Metadata) -> Result<State<S>, FoldError> {
        <S as Apply<E>>::apply(state, &self.0, metadata)
    }
}

/// Holds for an event set and each event in it: what `#[handlers]` checks a handler's event against.
#[diagnostic::on_unimplemented(
    message = "`{E}` is not an event of `{Self}`",
    label = "no event of `{Self}`",
    note = "make it a variant of the event set, or list it in `events(…)` of the projection, or remove this handler"
)]
pub trait Includes<E> {}

/// What a projection may be fed by: an event set, or a single event. `#[derive(Event)]` implements it for both.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an event set nor an event",
    label = "can't feed a projection",
    note = "list enums with `#[derive(Event)]`, or types that a variant of one holds"
)]
pub trait Source {
    /// What is folded: the set itself, or [`One`] of its events.
    type Fold;

    /// The id of the streams that it is in.
    type Id;
}
