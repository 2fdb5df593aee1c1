use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{DecodeError, Event, EventType, Fold, FoldError, IdError, Model, SchemaVersion, State};
use crate::{
    document::{DateTime, Value},
    envelope::{Json, Metadata},
};

/// A read model: documents, each the fold of the events that are routed to its key. `#[derive(Projection)]`
/// implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "not a projection",
    note = "add `#[derive(Projection, Serialize, Deserialize)]` and `#[projection(name = \"…\", events(…))]` to `{Self}`"
)]
pub trait Projection: Model + Serialize + DeserializeOwned {
    /// The stable name, such as `order_summary`; the documents' table carries it.
    const NAME: &'static str;

    /// Version of the read model; a new one is built from the start of the log.
    const VERSION: u32;

    /// The lag that the projection promises to stay under, where it promises one.
    const MAX_LAG: Option<Duration>;

    /// What happens with an event that can't be folded in; it is parked where nothing else is said.
    const ON_ERROR: OnError = OnError::Park;

    /// Into how many partitions its documents are divided, by their keys, so that several applications can keep it up to date, each
    /// its own: a power of two, at most [`Partition::MOST`](crate::store::Partition::MOST). It can be changed at any time.
    const PARTITIONS: u16 = 1;

    /// The fields that queries look documents up by.
    const INDEXES: &'static [IndexSpec];

    /// Adds the event sets and single events that feed it.
    fn feeds(feeds: &mut Feeds<Self>);

    /// The values of the indexed fields, in the order of [`INDEXES`](Self::INDEXES).
    ///
    /// # Errors
    ///
    /// Where an indexed field is neither text, number, boolean nor null when serialised.
    fn index_values(&self) -> Result<Vec<IndexValue>, serde_json::Error>;
}

/// What a projection does with an event that it can't read or fold in, be it an error, a panic, or a document that its
/// store does not take. A store that is away is another matter: it is tried again, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Put it aside, and with it all later events of the same document, in order; other documents go on. Where more
    /// sequences are parked than [allowed](crate::runtime::RuntimeOptions::max_parked), the projection halts.
    #[default]
    Park,
    /// Try again, for ever, with growing pauses: for handlers whose trouble passes by itself. Nothing goes on meanwhile.
    Retry,
    /// Stop until somebody has looked: for views that are worth nothing where one event is missing.
    Halt,
}

/// A projection with one document for each stream of one event set: it names no `key`. Only such a view can be
/// brought up to date from its stream's tail at query time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a view of one stream",
    label = "its documents may be fed by several streams",
    note = "only a projection with one event set and without `key = …` can be folded live from its stream"
)]
pub trait SingleStream: Model<Key = <Self::Event as Event>::Id> {
    /// The events of the stream.
    type Event: Event;
}

/// A field that documents can be looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct IndexSpec {
    /// The index's name: the field's.
    pub name: &'static str,
}

impl IndexSpec {
    /// Names an index; the derive macro calls it.
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }
}

/// The value of an indexed field.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexValue {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, also of enums without fields and ids.
    Text(String),
    /// A moment.
    Time(DateTime),
}

impl IndexValue {
    /// The index value of anything that serialises to text, a number, a boolean, a [`DateTime`] or null.
    ///
    /// # Errors
    ///
    /// For values of another shape, and integers beyond `i64`.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        use serde::ser::Error as _;
        match Value::of(value)? {
            Value::Null => Ok(Self::Null),
            Value::Bool(value) => Ok(Self::Bool(value)),
            Value::Int(value) => Ok(Self::Int(value)),
            Value::Real(value) => Ok(Self::Real(value)),
            Value::Text(value) => Ok(Self::Text(value)),
            Value::Time(value) => Ok(Self::Time(value)),
            Value::UInt(number) => Err(serde_json::Error::custom(format!(
                "the index value {number} is beyond 64-bit signed integers"
            ))),
            Value::List(_) | Value::Map(_) => Err(serde_json::Error::custom(
                "an indexed field must serialise to text, a number, a boolean, a `DateTime` or null",
            )),
        }
    }
}

/// A typed handle on a declared index, such as `OrderSummary::customer_id()`.
pub struct Index<P, T> {
    /// The index's name.
    pub name: &'static str,
    marker: PhantomData<fn() -> (P, T)>,
}

impl<P, T> Index<P, T> {
    /// Names an index of `P`; the derive macro calls it.
    pub const fn new(name: &'static str) -> Self {
        Self { name, marker: PhantomData }
    }
}

impl<P, T> Clone for Index<P, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, T> Copy for Index<P, T> {}

impl<P, T> fmt::Debug for Index<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Index").field(&self.name).finish()
    }
}

/// All that feeds one projection.
pub struct Feeds<P> {
    feeds: Vec<Feed<P>>,
}

impl<P: Projection> Feeds<P> {
    /// What `P` declares.
    pub fn of() -> Self {
        let mut feeds = Self { feeds: Vec::new() };
        P::feeds(&mut feeds);
        feeds
    }

    /// Adds an event set, or a single event.
    pub fn add<F: Fold<P>>(&mut self) {
        self.feeds.push(Feed {
            category: F::CATEGORY,
            whole: F::WHOLE,
            by_stream: F::BY_STREAM,
            fingerprint: F::FINGERPRINT,
            types: F::types(),
            ignores: F::ignores,
            decode: |name, version, data| {
                F::read(name, version, data).map(|event| Arc::new(event) as Arc<dyn Fed<P>>)
            },
        });
    }

    /// The feed that an event of this category and name comes in by.
    pub fn of_event(&self, category: &str, name: &str) -> Option<&Feed<P>> {
        let mut of_category = self.feeds.iter().filter(|feed| feed.category == category);
        let named = of_category.clone().find(|feed| feed.types.iter().any(|event| event.name == name));
        named.or_else(|| of_category.find(|feed| feed.whole))
    }

    /// Each feed.
    pub fn iter(&self) -> impl Iterator<Item = &Feed<P>> {
        self.feeds.iter()
    }

    /// Hash of the projection's definition and of all its handlers.
    pub fn fingerprint(&self) -> u64 {
        self.feeds.iter().fold(P::FINGERPRINT, |hash, feed| crate::__private::combine(hash, feed.fingerprint))
    }
}

impl<P> fmt::Debug for Feeds<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.feeds).finish()
    }
}

/// The events that a projection is fed by, as the log knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSpec {
    /// The category of the streams.
    pub category: &'static str,
    /// The known events, ignored ones included.
    pub types: &'static [EventType],
    /// Every event of the category counts, also one that this program does not know.
    pub whole: bool,
}

/// An event set, or a single event, that feeds a projection.
pub struct Feed<P> {
    /// The category of the streams.
    pub category: &'static str,
    /// The known events, ignored ones included.
    pub types: &'static [EventType],
    /// Every event of the category counts, also one that this program does not know.
    pub whole: bool,
    /// An event that can't be read belongs to the document whose key is its stream's id.
    pub by_stream: bool,
    fingerprint: u64,
    ignores: fn(&str) -> bool,
    decode: DecodeFed<P>,
}

type DecodeFed<P> = fn(&str, SchemaVersion, &Json) -> Result<Arc<dyn Fed<P>>, DecodeError>;

impl<P> Feed<P> {
    /// The events, as the log knows them.
    pub const fn spec(&self) -> FeedSpec {
        FeedSpec { category: self.category, types: self.types, whole: self.whole }
    }

    /// The projection has said that this event makes no difference to it.
    pub fn ignores(&self, name: &str) -> bool {
        (self.ignores)(name)
    }

    /// Reads a recorded event.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`].
    pub fn decode(
        &self,
        name: &str,
        version: SchemaVersion,
        data: &Json,
    ) -> Result<Arc<dyn Fed<P>>, DecodeError> {
        (self.decode)(name, version, data)
    }
}

impl<P> fmt::Debug for Feed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("category", &self.category)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

/// A decoded event on its way into the documents of `P`.
pub trait Fed<P: Model>: Send + Sync {
    /// As [`Fold::route`].
    ///
    /// # Errors
    ///
    /// As [`Fold::route`].
    fn route(&self, stream: &str, keys: &mut Vec<P::Key>) -> Result<(), IdError>;

    /// As [`Fold::fold`].
    ///
    /// # Errors
    ///
    /// As [`Fold::fold`].
    fn fold(&self, state: State<P>, metadata: &Metadata) -> Result<State<P>, FoldError>;
}

impl<P: Model, F: Fold<P>> Fed<P> for F {
    fn route(&self, stream: &str, keys: &mut Vec<P::Key>) -> Result<(), IdError> {
        Fold::route(self, stream, keys)
    }

    fn fold(&self, state: State<P>, metadata: &Metadata) -> Result<State<P>, FoldError> {
        Fold::fold(self, state, metadata)
    }
}
