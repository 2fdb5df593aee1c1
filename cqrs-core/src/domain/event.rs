use std::fmt;

use serde::Serialize;

use super::Id;
use crate::envelope::Json;

/// The set of all events of one kind of stream: the contract between the write and the read side.
///
/// `#[derive(Event)]` on an enum whose variants each hold one [`Payload`] implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event set",
    label = "not an event set",
    note = "an event set is an enum with `#[derive(Event)]` and `#[event(stream = \"…\", id = …)]`, each variant holding one event"
)]
pub trait Event: Sized + Send + Sync + 'static {
    /// The id of a stream of these events.
    type Id: Id;

    /// The category of these streams, such as `order`.
    const STREAM: &'static str;

    /// Every event of the set, in the order of the variants.
    const TYPES: &'static [EventType];

    /// Name and schema version of the event that this value holds.
    fn event_type(&self) -> &'static EventType;

    /// Serialises the payload in its newest schema.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the payload's `Serialize` fails.
    fn encode(&self) -> Result<Json, EncodeError>;

    /// Reads a recorded payload of any known schema version, upcast to the newest.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a name that is not of the set, a version that nothing reads, and data that does not fit.
    fn decode(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError>;
}

/// One event: the type that a variant of an [event set](Event) holds. `#[derive(Event)]` on the enum implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event of any event set",
    note = "an event is a type that a variant of an enum with `#[derive(Event)]` holds"
)]
pub trait Payload: Sized + Send + Sync + 'static {
    /// The set that this event belongs to.
    type Set: Event;

    /// Name and newest schema version.
    const TYPE: EventType;

    /// Serialises it in its newest schema.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where its `Serialize` fails.
    fn encode(&self) -> Result<Json, EncodeError>;

    /// Reads recorded data of `version`, upcast to the newest schema.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a version that nothing reads, and data that does not fit.
    fn decode(version: SchemaVersion, data: &Json) -> Result<Self, DecodeError>;
}

/// Name and newest schema version of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EventType {
    /// The stable name under which it is recorded, such as `order_placed`.
    pub name: &'static str,
    /// The schema version under which new events are recorded.
    pub version: SchemaVersion,
    /// The payload's type as it stands in the code, for people.
    pub rust_type: &'static str,
}

impl EventType {
    /// Names an event; the derive macro calls it.
    pub const fn new(name: &'static str, version: SchemaVersion, rust_type: &'static str) -> Self {
        Self { name, version, rust_type }
    }
}

/// Version of an event's schema, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SchemaVersion(u32);

impl SchemaVersion {
    /// The first version.
    pub const FIRST: Self = Self(1);

    /// A version; `None` for 0, as versions start at 1.
    pub const fn new(version: u32) -> Option<Self> {
        if version == 0 { None } else { Some(Self(version)) }
    }

    /// A version that the macros have proven to be at least 1; 0 becomes 1.
    #[doc(hidden)]
    pub const fn __at_least_first(version: u32) -> Self {
        if version == 0 { Self(1) } else { Self(version) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event's payload could not be serialised.
#[derive(Debug, thiserror::Error)]
#[error("the event `{event}` cannot be serialised")]
#[non_exhaustive]
pub struct EncodeError {
    /// The event's name.
    pub event: &'static str,
    source: serde_json::Error,
}

impl EncodeError {
    /// Wraps the serialiser's error for `event`.
    pub fn new(event: &'static str, source: serde_json::Error) -> Self {
        Self { event, source }
    }
}

/// A recorded event could not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No event of the set has this name: written by newer code, or renamed without `name = "…"`.
    #[error("the event `{name}` is unknown in the category `{category}`, which has {known:?}")]
    UnknownName {
        /// The category whose set was asked.
        category: &'static str,
        /// The recorded name.
        name: String,
        /// The names that the set has.
        known: Vec<&'static str>,
    },
    /// No type reads this schema version.
    #[error(
        "the event `{name}` was recorded in schema version {version}, but this program reads {oldest} to {newest}"
    )]
    UnknownVersion {
        /// The event's name.
        name: &'static str,
        /// The recorded version.
        version: SchemaVersion,
        /// The oldest version that can be read.
        oldest: SchemaVersion,
        /// The newest version that can be read.
        newest: SchemaVersion,
    },
    /// The recorded data does not fit the type of its version.
    #[error("the event `{name}` in schema version {version} does not fit `{rust_type}`")]
    Data {
        /// The event's name.
        name: &'static str,
        /// The recorded version.
        version: SchemaVersion,
        /// The type that should have read it.
        rust_type: &'static str,
        /// What serde found.
        source: serde_json::Error,
    },
    /// An upcast to the next schema version refused the data.
    #[error("the event `{name}` could not be upcast from schema version {version}")]
    Upcast {
        /// The event's name.
        name: &'static str,
        /// The version that could not be converted into the next.
        version: SchemaVersion,
        /// What the conversion said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
