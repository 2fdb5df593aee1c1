//! Reading and writing the events of a set.

use serde::de::DeserializeOwned;

use crate::{
    domain::{DecodeError, EncodeError, Event, Events, Payload, SchemaVersion},
    envelope::Json,
};

/// Reads data of one schema version.
pub fn decode<T: DeserializeOwned>(
    name: &'static str,
    version: SchemaVersion,
    rust_type: &'static str,
    data: &Json,
) -> Result<T, DecodeError> {
    data.parse().map_err(|source| DecodeError::Data { name, version, rust_type, source })
}

/// Reads data of the newest schema version of `E`.
pub fn decode_newest<E: Payload>(version: SchemaVersion, data: &Json) -> Result<E, DecodeError> {
    decode(E::TYPE.name, version, E::TYPE.rust_type, data)
}

/// Reads data of an older schema version of `E`.
pub fn decode_older<E: Payload, Old: DeserializeOwned>(
    version: SchemaVersion,
    rust_type: &'static str,
    data: &Json,
) -> Result<Old, DecodeError> {
    decode(E::TYPE.name, version, rust_type, data)
}

/// Converts data of schema version `version` of `E` into the next.
pub fn upcast<E: Payload, Old, New: UpcastFrom<Old>>(version: u32, old: Old) -> Result<New, DecodeError> {
    New::upcast_from(old).map_err(|source| DecodeError::Upcast {
        name: E::TYPE.name,
        version: SchemaVersion::__at_least_first(version),
        source,
    })
}

/// How a schema version is read as the next one.
#[diagnostic::on_unimplemented(
    message = "`{Old}` does not convert into the next schema version, `{Self}`",
    label = "no conversion from `{Old}`",
    note = "add `impl From<{Old}> for {Self}`, or `impl TryFrom<{Old}> for {Self}` where it can fail"
)]
pub trait UpcastFrom<Old>: Sized {
    fn upcast_from(old: Old) -> Result<Self, Box<dyn std::error::Error + Send + Sync>>;
}

#[diagnostic::do_not_recommend]
impl<Old, New> UpcastFrom<Old> for New
where
    New: TryFrom<Old>,
    New::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn upcast_from(old: Old) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::try_from(old).map_err(Into::into)
    }
}

/// The answer to a schema version that nothing reads.
pub fn unknown_version<E: Payload>(version: SchemaVersion) -> DecodeError {
    DecodeError::UnknownVersion {
        name: E::TYPE.name,
        version,
        oldest: SchemaVersion::FIRST,
        newest: E::TYPE.version,
    }
}

/// The answer to a name that the set does not have.
pub fn unknown_name<Set: Event>(name: &str) -> DecodeError {
    DecodeError::UnknownName {
        category: Set::STREAM,
        name: name.to_owned(),
        known: Set::TYPES.iter().map(|event| event.name).collect(),
    }
}

/// Serialises one event.
pub fn encode<E: Payload>(event: &E) -> Result<Json, EncodeError> {
    Json::of(event).map_err(|source| EncodeError::new(E::TYPE.name, source))
}

/// One event, as what a handler led to.
pub fn push<Set: From<E>, E>(event: E, events: &mut Events<Set>) {
    events.push(event.into());
}

/// One event, as all that a handler led to.
pub fn outcome_of<Set: From<E>, E, Error>(event: E) -> Result<Events<Set>, Error> {
    Ok(vec![event.into()])
}
