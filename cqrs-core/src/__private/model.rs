//! Folding events into models.

use serde::{Serialize, de::DeserializeOwned};

use super::short_type_name;
use crate::{
    domain::{FoldError, HandleError, IdError, Model, Payload, State},
    envelope::Json,
};

/// An event handler without `self`.
pub fn create<S: Model, E: Payload>(
    state: State<S>,
    make: impl FnOnce() -> S,
) -> Result<State<S>, FoldError> {
    match state {
        State::Absent | State::Removed => Ok(State::Present(make())),
        State::Present(_) => Err(FoldError::Exists { event: E::TYPE.name, model: short_type_name::<S>() }),
    }
}

/// An event handler with `&mut self`.
pub fn change<S: Model, E: Payload>(
    state: State<S>,
    change: impl FnOnce(&mut S),
) -> Result<State<S>, FoldError> {
    replace::<S, E, S>(state, |mut model| {
        change(&mut model);
        model
    })
}

/// An event handler with `self`.
pub fn replace<S: Model, E: Payload, R: IntoState<S>>(
    state: State<S>,
    replace: impl FnOnce(S) -> R,
) -> Result<State<S>, FoldError> {
    let was_absent = matches!(state, State::Absent);
    match state.present().or_else(S::initial) {
        Some(model) => Ok(replace(model).into_state()),
        None if was_absent => Err(FoldError::Missing { event: E::TYPE.name, model: short_type_name::<S>() }),
        None => Ok(State::Removed),
    }
}

/// What an event handler that takes `self` may return.
#[diagnostic::on_unimplemented(
    message = "an event handler that takes `self` can't return `{Self}`",
    label = "neither `Self` nor `Option<Self>`",
    note = "return `Self`, or `Option<Self>` where `None` removes `{S}`; an event is a fact and can't be refused"
)]
pub trait IntoState<S> {
    fn into_state(self) -> State<S>;
}

impl<S: Model> IntoState<S> for S {
    fn into_state(self) -> State<S> {
        State::Present(self)
    }
}

impl<S: Model> IntoState<S> for Option<S> {
    fn into_state(self) -> State<S> {
        self.map_or(State::Removed, State::Present)
    }
}

/// What a command handler without `self` decides on: nothing may be there yet.
pub fn require_absent<S: Model, E>(state: &State<&S>) -> Result<(), HandleError<E>> {
    match state {
        State::Absent | State::Removed => Ok(()),
        State::Present(_) => Err(HandleError::AlreadyExists),
    }
}

/// What a command handler with `&self` decides on.
pub fn require_present<S, E>(state: State<&S>) -> Result<&S, HandleError<E>> {
    state.present().ok_or(HandleError::NotFound)
}

/// An event without `key`: it belongs to the state whose key is its stream's id.
pub fn push_stream_key<M: Model>(stream: &str, keys: &mut Vec<M::Key>) -> Result<(), IdError> {
    keys.push(stream.parse()?);
    Ok(())
}

/// What `default` asks of a model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is declared `default`, but has no `Default`",
    label = "no `Default`",
    note = "add `#[derive(Default)]` to `{Self}`, or remove `default` and let a handler without `self` create it"
)]
pub trait StartsAsDefault: Sized {
    fn start() -> Self;
}

#[diagnostic::do_not_recommend]
impl<S: Default> StartsAsDefault for S {
    fn start() -> Self {
        Self::default()
    }
}

/// What `snapshot(…)` asks of an aggregate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is declared to have snapshots, but does not serialise",
    label = "lacks `Serialize`, `Deserialize` or both",
    note = "add `#[derive(Serialize, Deserialize)]` to `{Self}`, or remove `snapshot(…)`"
)]
pub trait Snapshot: Sized {
    fn to_snapshot(&self) -> Option<Json>;
    fn from_snapshot(data: &Json) -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<S: Serialize + DeserializeOwned> Snapshot for S {
    fn to_snapshot(&self) -> Option<Json> {
        Json::of(self).ok()
    }

    fn from_snapshot(data: &Json) -> Option<Self> {
        data.parse().ok()
    }
}
