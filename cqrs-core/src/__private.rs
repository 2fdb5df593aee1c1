//! What generated code calls. Not part of the public interface: it may change in any release.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::needless_pass_by_value)]

pub use std::{
    borrow::ToOwned,
    boxed::Box,
    clone::Clone,
    convert::{From, Into, TryFrom, TryInto},
    default::Default,
    fmt,
    future::Future,
    hash,
    iter::{Extend, IntoIterator},
    marker::{Send, Sync},
    option::Option::{self, None, Some},
    result::Result::{self, Err, Ok},
    str::FromStr,
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

pub use serde::{self, Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
pub use serde_json;
pub use uuid::Uuid;

use crate::{
    domain::{DecodeError, FoldError, HandleError, Model, Payload, SchemaVersion, State},
    envelope::Json,
};

/// Mixes two fingerprints (FNV-1a, 64 bits).
pub const fn combine(hash: u64, other: u64) -> u64 {
    let bytes = other.to_le_bytes();
    let mut hash = hash;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

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

/// Reads data of one schema version.
pub fn decode<T: DeserializeOwned>(
    name: &'static str,
    version: SchemaVersion,
    rust_type: &'static str,
    data: &Json,
) -> Result<T, DecodeError> {
    data.parse().map_err(|source| DecodeError::Data { name, version, rust_type, source })
}

/// Converts data of schema version `version` into the next.
pub fn upcast<Old, New>(name: &'static str, version: SchemaVersion, old: Old) -> Result<New, DecodeError>
where
    New: TryFrom<Old>,
    New::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    New::try_from(old).map_err(|source| DecodeError::Upcast { name, version, source: source.into() })
}

/// `Order` for `shop::order::Order`.
pub fn short_type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.split_once('<').map_or(name, |(plain, _)| plain).rsplit("::").next().unwrap_or(name)
}
