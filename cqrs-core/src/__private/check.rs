//! Traits that hold nothing but a rule, so that breaking it gets a message of its own.

use std::marker::PhantomData;

use crate::{
    domain::{CreatedByHandlers, Event, Id, Includes, Model, Payload, RoutedBy},
    envelope::Metadata,
};

/// An event set or a single event that feeds a model; the derive macros implement it for each one that is listed.
pub trait FedBy<F> {}

/// The question whether the event `E` feeds the model `M`. Method lookup answers it: the set is listed, or the
/// event alone is, or else [`BelongsNowhere`] explains what is wrong.
#[derive(Debug)]
pub struct Belongs<M, E>(PhantomData<(M, E)>);

/// The answer yes.
#[derive(Debug)]
pub struct Belonging<M, E>(PhantomData<(M, E)>);

/// The answer no; such an event gets no further complaints.
#[derive(Debug)]
pub struct Foreign;

impl<M, E> Belongs<M, E> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: FedBy<E::Set>, E: Payload> Belongs<M, E> {
    pub const fn belongs(self) -> Belonging<M, E> {
        Belonging(PhantomData)
    }
}

pub trait BelongsAlone<M, E>: Sized {
    fn belongs(self) -> Belonging<M, E> {
        Belonging(PhantomData)
    }
}

impl<M: FedBy<E>, E> BelongsAlone<M, E> for Belongs<M, E> {}

pub trait BelongsNowhere<M: Model, E> {
    fn belongs(&self) -> Foreign
    where
        M::Events: Includes<E>,
    {
        Foreign
    }
}

impl<M: Model, E> BelongsNowhere<M, E> for Belongs<M, E> {}

impl<M: Model, E: Payload> Belonging<M, E> {
    /// The event's handler names no `key`.
    pub fn by_stream(self)
    where
        <E::Set as Event>::Id: RoutedBy<M::Key, E>,
    {
    }

    /// The event's handler names a `key`.
    pub fn by_key(self)
    where
        M: HasKey,
    {
    }
}

impl Foreign {
    pub fn by_stream(self) {}

    pub fn by_key(self) {}
}

/// A projection that declares a `key`.
#[diagnostic::on_unimplemented(
    message = "an event handler of `{Self}` can't choose a key, as every event goes to the state of its own stream",
    label = "not for `{Self}`",
    note = "remove it; or, for a projection, declare the documents' own key: `#[projection(key = …)]`"
)]
pub trait HasKey: Model {}

/// The value of a handler's `key`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the key of a document of `{M}`",
    label = "not the key type of `{M}`",
    note = "`key = …` takes a value, and `keys = …` an iterator of values, of the type in `#[projection(key = …)]`"
)]
pub trait KeyFor<M: Model> {
    fn into_key(self) -> M::Key;
}

#[diagnostic::do_not_recommend]
impl<M: Model<Key = K>, K: Id> KeyFor<M> for K {
    fn into_key(self) -> K {
        self
    }
}

/// The value of a handler's `keys`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the keys of documents of `{M}`",
    label = "no iterator of keys of `{M}`",
    note = "`keys = …` takes an iterator, a `Vec` or an `Option` of values of the type in `#[projection(key = …)]`; for a single value write `key = …`"
)]
pub trait KeysFor<M: Model> {
    fn add_to(self, keys: &mut Vec<M::Key>);
}

#[diagnostic::do_not_recommend]
impl<M: Model, T: IntoIterator<Item = M::Key>> KeysFor<M> for T {
    fn add_to(self, keys: &mut Vec<M::Key>) {
        keys.extend(self);
    }
}

/// What an event handler may take besides the event.
#[diagnostic::on_unimplemented(
    message = "an event handler can't take a `&{Self}`",
    label = "not `&Metadata`",
    note = "after the event it takes nothing but `&Metadata`: a fold depends on the events alone, so that it comes out the same each time"
)]
pub trait EventContext {
    fn of(metadata: &Metadata) -> &Self;
}

impl EventContext for Metadata {
    fn of(metadata: &Metadata) -> &Self {
        metadata
    }
}

/// The only feed of a projection that declares no `key`: an event set, whose id becomes the key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event set, so the projection needs a `key`",
    label = "not an enum with `#[derive(Event)]`",
    note = "name the type of the documents' key: `#[projection(key = …)]`, or feed the projection from a whole event set"
)]
pub trait SoleFeed {
    type Id: Id;
    type Event: Event<Id = Self::Id>;
}

#[diagnostic::do_not_recommend]
impl<E: Event> SoleFeed for E {
    type Id = E::Id;
    type Event = E;
}

/// Holds for models that handlers without `self` may create.
pub fn may_create<M: CreatedByHandlers>() {}
