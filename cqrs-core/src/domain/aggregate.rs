use std::future::Future;

use super::{Event, Events, Fold, Model, State};
use crate::envelope::{Json, Metadata};

/// The write model of one stream: decides commands, folds its own events. `#[derive(Aggregate)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    label = "not an aggregate",
    note = "only an aggregate decides commands: add `#[derive(Aggregate)]` and `#[aggregate(event = …)]` to `{Self}`"
)]
pub trait Aggregate: Model<Key = <Self::Event as Event>::Id> {
    /// The events of its stream.
    type Event: Event + Fold<Self>;

    /// What its command handlers may use besides the command: clocks, prices, other systems. [`NoServices`] where
    /// none are declared.
    type Services: Sync + 'static;

    /// How many events a snapshot spares; `None`: no snapshots.
    const SNAPSHOT_EVERY: Option<u64>;

    /// Serialises the state for a snapshot; `None` where the aggregate declares none, or the state does not
    /// serialise.
    fn to_snapshot(&self) -> Option<Json>;

    /// Reads a snapshot; `None` where it does not fit, which only costs time: the stream is read instead.
    fn from_snapshot(data: &Json) -> Option<Self>;
}

/// Holds between an aggregate and its own services: what executing a command asks for.
#[diagnostic::on_unimplemented(
    message = "the commands of `{Self}` can't be executed with the services `{S}`",
    label = "`{Self}` declares other services",
    note = "hand over what `#[aggregate(services = …)]` of `{Self}` names: `app.with(&services).execute(command)`; where it names none: `app.execute(command)`"
)]
pub trait ServedBy<S>: Aggregate {
    /// The services, as the aggregate knows them.
    fn services(services: &S) -> &Self::Services;
}

/// With a bound on the services instead of their type in the head, the compiler says what is above, and not that two types
/// differ.
#[diagnostic::do_not_recommend]
impl<A: Aggregate<Services: Same<S>>, S> ServedBy<S> for A {
    fn services(services: &S) -> &A::Services {
        Same::same(services)
    }
}

/// Holds between a type and itself.
#[doc(hidden)]
pub trait Same<T> {
    fn same(value: &T) -> &Self;
}

impl<T> Same<T> for T {
    fn same(value: &T) -> &T {
        value
    }
}

/// The services of an aggregate that declares none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoServices;

/// An aggregate's handler for one command. `#[command_handler]` inside of a `#[handlers]` block implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for the command `{C}`",
    label = "has no handler for `{C}`",
    note = "add to a `#[handlers]` block of `{Self}`, without `&self` where the command creates it:\n\n    #[command_handler]\n    fn handle_it(&self, command: {C}) -> Result<SomethingHappened, Rejection> {{\n        todo!()\n    }}"
)]
pub trait Handle<C>: Aggregate {
    /// Why the domain rejects this command; [`Infallible`](std::convert::Infallible) where it never does.
    type Error: std::error::Error + Send + Sync + 'static;

    /// It creates the aggregate, and decides by the command and its metadata alone, without side effects: then it is asked
    /// before anybody has looked whether the aggregate is there, and the append finds out. That spares a new aggregate the
    /// load.
    ///
    /// `#[handlers]` sets it for handlers without `self` that are not `async` and take no services.
    const CREATES_UNSEEN: bool = false;

    /// Decides the command on a state.
    fn handle<'a>(
        state: State<&'a Self>,
        command: &'a C,
        context: Context<'a, Self>,
    ) -> impl Future<Output = Result<Events<Self::Event>, HandleError<Self::Error>>> + Send + 'a;
}

/// Why a handler yields no events.
#[derive(Debug)]
pub enum HandleError<E> {
    /// A creating command, but the aggregate exists.
    AlreadyExists,
    /// The aggregate does not exist, or was removed.
    NotFound,
    /// The domain's own no.
    Rejected(E),
}

/// What a command handler may ask for besides the command.
#[derive(Debug)]
pub struct Context<'a, A: Aggregate> {
    /// The command's own metadata.
    pub metadata: &'a Metadata,
    /// The aggregate's services.
    pub services: &'a A::Services,
}

impl<A: Aggregate> Clone for Context<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Aggregate> Copy for Context<'_, A> {}

/// A further argument of a command handler, taken by reference: [`Metadata`], or the aggregate's services.
#[diagnostic::on_unimplemented(
    message = "a command handler of `{A}` can't take a `&{Self}`",
    label = "neither `&Metadata` nor the services of `{A}`",
    note = "after the command it takes, in any order, `&Metadata` and a reference to what `#[aggregate(services = …)]` names"
)]
pub trait Extract<A: Aggregate> {
    /// Borrows it from the context.
    fn extract(context: Context<'_, A>) -> &Self;
}

impl<A: Aggregate> Extract<A> for Metadata {
    fn extract(context: Context<'_, A>) -> &Self {
        context.metadata
    }
}
