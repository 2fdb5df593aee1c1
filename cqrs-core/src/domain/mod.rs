//! What the types of a domain implement; the derive macros write these impls.
//!
//! An **event set** ([`Event`]) is an enum of all events of one kind of stream. Each of its variants holds one
//! **payload** ([`Payload`]), the type of a single event. A **model** ([`Model`]) is a state folded from events:
//! either an [`Aggregate`], which decides [`Command`]s and whose events make up one stream, or a [`Projection`],
//! whose documents answer queries. Both learn of an event through [`Apply`]; an aggregate decides a command
//! through [`Handle`].

mod aggregate;
mod apply;
mod command;
mod event;
mod fold;
mod id;
mod model;
mod outcome;
mod projection;
mod subscription;

pub use aggregate::{Aggregate, Context, Extract, Handle, HandleError, NoServices, ServedBy};
pub use apply::{Apply, FoldError, Key, RoutedBy};
pub use command::Command;
pub use event::{DecodeError, EncodeError, Event, EventType, Payload, SchemaVersion};
pub use fold::{Fold, Includes, One, Source};
pub use id::{Id, IdError};
pub use model::{CreatedByHandlers, Model, State};
pub use outcome::{Events, IntoEvents, Outcome, Rejection};
pub use projection::{
    Fed, Feed, FeedSpec, Feeds, Index, IndexSpec, IndexValue, OnError, Projection, SingleStream,
};
pub use subscription::{Subscribe, Subscription};
