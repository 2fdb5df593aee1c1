//! Traits that hold nothing but a rule, so that breaking it gets a message of its own.

use std::marker::PhantomData;

use super::{AggregateId, inert};
use crate::{
    domain::{Aggregate, Command, CreatedByHandlers, Event, Id, Includes, Model, Payload, RoutedBy},
    envelope::Metadata,
};

/// An event set or a single event that feeds a model; the derive macros implement it for each one that is listed.
pub trait FedBy<F> {}

/// The question whether the event `E` feeds the model `M`. Method lookup on a triple reference answers it: the set is
/// listed, or the event alone is, or neither, which gets the message; where there is no model or no event, another
/// message has said so.
#[derive(Debug)]
pub struct Belongs<M, E>(PhantomData<(M, E)>);

/// The answer yes.
#[derive(Debug)]
pub struct Belonging<M, E>(PhantomData<(M, E)>);

/// The answer no; such an event gets no further message.
#[derive(Debug)]
pub struct Foreign;

impl<M, E> Clone for Belongs<M, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, E> Copy for Belongs<M, E> {}

impl<M, E> Belongs<M, E> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

pub trait BelongsBySet<M, E> {
    fn belongs(&self) -> Belonging<M, E> {
        Belonging(PhantomData)
    }
}

impl<M: FedBy<E::Set>, E: Payload> BelongsBySet<M, E> for &&Belongs<M, E> {}

pub trait BelongsAlone<M, E> {
    fn belongs(&self) -> Belonging<M, E> {
        Belonging(PhantomData)
    }
}

impl<M: FedBy<E>, E: Payload> BelongsAlone<M, E> for &Belongs<M, E> {}

pub trait BelongsNowhere<M: Model, E> {
    fn belongs(&self) -> Foreign
    where
        M::Events: Includes<E>,
    {
        Foreign
    }
}

impl<M: Model, E: Payload> BelongsNowhere<M, E> for Belongs<M, E> {}

pub trait BelongsUnknown: Sized {
    fn belongs(self) -> Foreign {
        Foreign
    }
}

impl<M, E> BelongsUnknown for Belongs<M, E> {}

impl<M: Model, E: Payload> Belonging<M, E> {
    /// The event's handler names no `key`.
    pub fn by_stream(self)
    where
        <E::Set as Event>::Id: RoutedBy<M::Key, E>,
    {
    }
}

impl Foreign {
    pub fn by_stream(self) {}
}

/// The question whether a handler without `self` may create `M`, asked on a double reference.
#[derive(Debug)]
pub struct Creates<M>(PhantomData<M>);

impl<M> Clone for Creates<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Creates<M> {}

impl<M> Creates<M> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

pub trait CreatesModel<M: Model> {
    fn check(&self)
    where
        M: CreatedByHandlers,
    {
    }
}

impl<M: Model> CreatesModel<M> for &Creates<M> {}

pub trait CreatesUnknown {
    fn check(&self) {}
}

impl<M> CreatesUnknown for Creates<M> {}

/// The question whether handlers of `M` may name keys, asked on a double reference.
#[derive(Debug)]
pub struct Keyed<M>(PhantomData<M>);

impl<M> Clone for Keyed<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Keyed<M> {}

impl<M> Keyed<M> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

pub trait KeyedFreely<M: HasKey> {
    /// An event with `key`.
    fn add<K: KeyFor<M>>(&self, key: K, keys: &mut Vec<M::Key>) {
        keys.push(key.into_key());
    }

    /// An event with `keys`.
    fn add_all<K: KeysFor<M>>(&self, more: K, keys: &mut Vec<M::Key>) {
        more.add_to(keys);
    }
}

impl<M: HasKey> KeyedFreely<M> for &Keyed<M> {}

pub trait KeyedByStream<M: Model> {
    fn add<K>(&self, _: K, _: &mut Vec<M::Key>)
    where
        M: HasKey,
    {
    }

    fn add_all<K>(&self, _: K, _: &mut Vec<M::Key>)
    where
        M: HasKey,
    {
    }
}

impl<M: Model> KeyedByStream<M> for Keyed<M> {}

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

/// A whole event set. The derive macro implements it, so that what is none gets this message, and no other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event set",
    label = "not an enum with `#[derive(Event)]`",
    note = "an aggregate, and a projection without `key = …`, has the events of one kind of stream: name an enum with `#[derive(Event)]`",
    note = "a projection that is fed by single events names the type of its documents' key: `#[projection(key = …)]`"
)]
pub trait EventSet {
    type Itself: Event;
}

/// The field that holds a command's id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell one `{A}` from another",
    label = "not the id of `{A}`",
    note = "mark the field that holds the id of the stream, whose type `#[event(id = …)]` names"
)]
pub trait IdOf<A: Aggregate> {
    fn id(&self) -> &AggregateId<A>;
}

#[diagnostic::do_not_recommend]
impl<A: Aggregate<Event: Event<Id = K>>, K: Id> IdOf<A> for K {
    fn id(&self) -> &AggregateId<A> {
        self
    }
}

/// What a command's fields need: a command handler may take the command by value.
#[diagnostic::on_unimplemented(
    message = "the field's type `{Self}` is not `Clone`, but a command is copied when it is decided again",
    label = "not `Clone`",
    note = "add `#[derive(Clone)]` to `{Self}`: where another command was faster, the aggregate decides anew, on a copy"
)]
pub trait CopiedWithCommand: Sized {
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CopiedWithCommand for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// A command for a handler that takes it by value, asked on a double reference. What is no command gets its message
/// where it is said to be one.
#[derive(Debug)]
pub struct ByValue<'a, C>(pub &'a C);

pub trait CommandByValue<C> {
    fn copy(&self) -> C;
}

impl<C: Command> CommandByValue<C> for &ByValue<'_, C> {
    fn copy(&self) -> C {
        self.0.__copy()
    }
}

pub trait UnknownByValue<C> {
    fn copy(&self) -> C {
        inert()
    }
}

impl<C> UnknownByValue<C> for ByValue<'_, C> {}

/// That a handler's command is one.
pub const fn check_command<C: Command>() {}
