//! Stands in for what a mistake leaves unknown, so that one mistake leads to one message. Code that names it comes
//! with a compile error, and never runs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Aggregate, Command, Context, CreatedByHandlers, DecodeError, EncodeError, Event, EventType, Events,
        Fold, FoldError, Handle, HandleError, Id, IdError, Includes, Model, NoServices, SchemaVersion, State,
    },
    envelope::{Json, Metadata},
};

/// An unknown id, event set or aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Inert;

/// The body of every inert function.
pub fn inert() -> ! {
    unreachable!("a compile error stands before this")
}

impl fmt::Display for Inert {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        inert()
    }
}

impl FromStr for Inert {
    type Err = IdError;

    fn from_str(_: &str) -> Result<Self, IdError> {
        inert()
    }
}

impl Id for Inert {}

impl Event for Inert {
    type Id = Self;

    const STREAM: &'static str = "";

    const TYPES: &'static [EventType] = &[];

    fn event_type(&self) -> &'static EventType {
        inert()
    }

    fn encode(&self) -> Result<Json, EncodeError> {
        inert()
    }

    fn decode(_: &str, _: SchemaVersion, _: &Json) -> Result<Self, DecodeError> {
        inert()
    }
}

impl<S: Model> Fold<S> for Inert {
    const FINGERPRINT: u64 = 0;
    const CATEGORY: &'static str = "";
    const WHOLE: bool = false;
    const BY_STREAM: bool = true;

    fn types() -> &'static [EventType] {
        &[]
    }

    fn ignores(_: &str) -> bool {
        inert()
    }

    fn read(_: &str, _: SchemaVersion, _: &Json) -> Result<Self, DecodeError> {
        inert()
    }

    fn route(&self, _: &str, _: &mut Vec<S::Key>) -> Result<(), IdError> {
        inert()
    }

    fn fold(&self, _: State<S>, _: &Metadata) -> Result<State<S>, FoldError> {
        inert()
    }
}

impl<E> Includes<E> for Inert {}

impl Model for Inert {
    type Key = Self;
    type Events = Self;

    const FINGERPRINT: u64 = 0;

    fn initial() -> Option<Self> {
        inert()
    }
}

impl CreatedByHandlers for Inert {}

impl Aggregate for Inert {
    type Event = Self;
    type Services = NoServices;

    const SNAPSHOT_EVERY: Option<u64> = None;

    fn to_snapshot(&self) -> Option<Json> {
        inert()
    }

    fn from_snapshot(_: &Json) -> Option<Self> {
        inert()
    }
}

impl<C: Command> Handle<C> for Inert {
    type Error = std::convert::Infallible;

    async fn handle<'a>(
        _: State<&'a Self>,
        _: &'a C,
        _: Context<'a, Self>,
    ) -> Result<Events<Self>, HandleError<Self::Error>> {
        inert()
    }
}
