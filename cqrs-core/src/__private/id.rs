//! What the types of `derive(Id)` share.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use uuid::Uuid;

use crate::domain::IdError;

/// The text form has to fit the stores.
pub fn check_text(type_name: &'static str, text: &str) -> Result<(), IdError> {
    let reason = if text.is_empty() {
        "it is empty"
    } else if text.len() > 255 {
        "it is longer than 255 bytes"
    } else if text.chars().any(char::is_control) {
        "it has a control character"
    } else {
        return Ok(());
    };
    Err(IdError::new(type_name, text, reason))
}

/// What the type's own check said.
pub fn check<R: fmt::Display>(
    checked: Result<(), R>,
    type_name: &'static str,
    value: &impl fmt::Display,
) -> Result<(), IdError> {
    checked.map_err(|reason| IdError::new(type_name, &value.to_string(), reason))
}

/// A new UUIDv7.
pub fn generate_uuid() -> Uuid {
    Uuid::now_v7()
}

/// Reads the inner value.
pub fn parse<T: FromStr<Err: fmt::Display>>(type_name: &'static str, text: &str) -> Result<T, IdError> {
    text.parse().map_err(|reason| IdError::new(type_name, text, reason))
}

/// Writes the text form.
pub fn serialize_text<T: fmt::Display, S: Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Reads the text form, by the rules of the type.
pub fn deserialize_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = IdError>,
    D: Deserializer<'de>,
{
    Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Reads a number, by the rules of the type.
pub fn deserialize_number<'de, N, T, D>(deserializer: D) -> Result<T, D::Error>
where
    N: Deserialize<'de>,
    T: TryFrom<N, Error: fmt::Display>,
    D: Deserializer<'de>,
{
    T::try_from(N::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Wraps an inner value, by the rules of the type.
pub fn convert<N, T: TryFrom<N, Error: Into<IdError>>>(value: N) -> Result<T, IdError> {
    T::try_from(value).map_err(Into::into)
}
