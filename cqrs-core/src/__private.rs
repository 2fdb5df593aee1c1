//! What generated code calls. Not part of the public interface: it may change in any release.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::needless_pass_by_value)]

mod check;
mod event;
mod id;
mod inert;
mod model;

pub use std::{
    borrow::ToOwned,
    boxed::Box,
    clone::Clone,
    cmp::{Eq, Ord, Ordering, PartialEq, PartialOrd},
    convert::{AsRef, From, Infallible, Into, TryFrom, TryInto},
    default::Default,
    fmt,
    future::Future,
    hash,
    iter::{Extend, IntoIterator},
    marker::{Copy, Send, Sync},
    option::Option::{self, None, Some},
    primitive::{bool, str, u32, u64},
    result::Result::{self, Err, Ok},
    str::FromStr,
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

pub use serde::{self, Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
pub use serde_json;
pub use uuid::Uuid;

pub use crate::{
    domain::{
        Aggregate, Apply, Command, Context, CreatedByHandlers, DecodeError, EncodeError, Event, EventType,
        Events, Extract, Feeds, Fold, FoldError, Handle, HandleError, Id, IdError, Includes, Index,
        IndexSpec, IndexValue, IntoEvents, Key, Model, NoServices, OnError, One, Outcome, Payload,
        Projection, RoutedBy, SchemaVersion, SingleStream, Source, State,
    },
    envelope::{Json, Metadata},
};

pub use check::{
    Belonging, Belongs, BelongsAlone, BelongsBySet, BelongsNowhere, BelongsUnknown, ByValue, CommandByValue,
    CopiedWithCommand, Creates, CreatesModel, CreatesUnknown, EventContext, EventSet, FedBy, Foreign, HasKey,
    IdOf, KeyFor, Keyed, KeyedByStream, KeyedFreely, KeysFor, UnknownByValue, check_command,
};
pub use event::{Readable, Recordable, UpcastFrom, outcome_of, push, unknown_name, unknown_version, upcast};
pub use id::{
    check, check_text, convert, deserialize_number, deserialize_text, generate_uuid, parse, serialize_text,
};
pub use inert::inert;
pub use model::{
    IntoState, Snapshot, StartsAsDefault, change, create, push_stream_key, replace, require_absent,
    require_present,
};

/// The events of an aggregate.
pub type EventOf<A> = <A as Aggregate>::Event;

/// The id of an aggregate.
pub type AggregateId<A> = <<A as Aggregate>::Event as Event>::Id;

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

/// Mixes several fingerprints, in order.
pub const fn combine_all(hashes: &[u64]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < hashes.len() {
        hash = combine(hash, hashes[at]);
        at += 1;
    }
    hash
}

/// `Order` for `shop::order::Order`.
pub fn short_type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.split_once('<').map_or(name, |(plain, _)| plain).rsplit("::").next().unwrap_or(name)
}
