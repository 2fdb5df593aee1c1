use std::{convert::Infallible, fmt, hash::Hash, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};

/// The id of a stream or a document. `#[derive(Id)]` on a struct with one field implements it and all that it
/// needs: `Display`, `FromStr`, serde, comparison and hashing.
///
/// The text form is what stores keep: 1 to 255 bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an id",
    label = "not an id",
    note = "an id is a type such as `#[derive(Id)] struct OrderId(Uuid);`"
)]
pub trait Id:
    Clone
    + Eq
    + Hash
    + Ord
    + fmt::Debug
    + fmt::Display
    + FromStr<Err = IdError>
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

/// A text is not an id of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {type_name}: {reason}")]
#[non_exhaustive]
pub struct IdError {
    /// The id's type.
    pub type_name: &'static str,
    /// The text, cut after 64 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl IdError {
    /// Says why `text` is no `type_name`.
    pub fn new(type_name: &'static str, text: &str, reason: impl fmt::Display) -> Self {
        Self { type_name, text: text.chars().take(64).collect(), reason: reason.to_string() }
    }
}

impl From<Infallible> for IdError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
