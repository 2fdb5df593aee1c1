//! Reading and writing the events of a set.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::{DecodeError, EncodeError, Event, EventType, Events, SchemaVersion},
    envelope::Json,
};

/// An event in its newest schema.
#[diagnostic::on_unimplemented(
    message = "the event `{Self}` is recorded in the log, but can't be serialised",
    label = "lacks `Serialize`, `Deserialize` or both",
    note = "add `#[derive(Serialize, Deserialize)]` to `{Self}`"
)]
pub trait Recordable: Sized {
    fn write(&self, event: EventType) -> Result<Json, EncodeError>;
    fn read(event: EventType, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Recordable for T {
    fn write(&self, event: EventType) -> Result<Json, EncodeError> {
        Json::of(self).map_err(|source| EncodeError::new(event.name, source))
    }

    fn read(event: EventType, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        Readable::read(event.name, version, event.rust_type, data)
    }
}

/// An event in an older schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` reads an older schema version, but can't be deserialised",
    label = "lacks `Deserialize`",
    note = "add `#[derive(Deserialize)]` to `{Self}`"
)]
pub trait Readable: Sized {
    fn read(
        name: &'static str,
        version: SchemaVersion,
        rust_type: &'static str,
        data: &Json,
    ) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Readable for T {
    fn read(
        name: &'static str,
        version: SchemaVersion,
        rust_type: &'static str,
        data: &Json,
    ) -> Result<Self, DecodeError> {
        data.parse().map_err(|source| DecodeError::Data { name, version, rust_type, source })
    }
}

/// Converts data of schema version `version` into the next.
pub fn upcast<New>(
    event: EventType,
    version: u32,
    converted: Result<New, Box<dyn std::error::Error + Send + Sync>>,
) -> Result<New, DecodeError> {
    converted.map_err(|source| DecodeError::Upcast {
        name: event.name,
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
pub fn unknown_version(event: EventType, version: SchemaVersion) -> DecodeError {
    DecodeError::UnknownVersion {
        name: event.name,
        version,
        oldest: SchemaVersion::FIRST,
        newest: event.version,
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

/// One event, as what a handler led to.
pub fn push<Set: From<E>, E>(event: E, events: &mut Events<Set>) {
    events.push(event.into());
}

/// One event, as all that a handler led to.
pub fn outcome_of<Set: From<E>, E, Error>(event: E) -> Result<Events<Set>, Error> {
    Ok(vec![event.into()])
}
