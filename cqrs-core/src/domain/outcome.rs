use std::convert::Infallible;

/// The events that a command led to, in order.
pub type Events<Set> = Vec<Set>;

/// What a command handler may return, without the `Result`: nothing, one event, or an `Option`, `Vec`, array or
/// tuple of events. `#[derive(Event)]` implements it for the set and for each of its events.
#[diagnostic::on_unimplemented(
    message = "a command handler can't return `{Self}`",
    label = "no event of `{Set}`",
    note = "it returns nothing, one event of `{Set}`, an `Option`, `Vec`, array or tuple of events, or a `Result` of one of these"
)]
pub trait IntoEvents<Set> {
    /// Adds the events to `events`.
    fn into_events(self, events: &mut Events<Set>);
}

/// What a command handler may return: [`IntoEvents`], or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a command handler can't return `{Self}`",
    label = "no event of `{Set}`",
    note = "it returns nothing, one event of `{Set}`, an `Option`, `Vec`, array or tuple of events, or a `Result` of one of these"
)]
pub trait Outcome<Set> {
    /// Why the domain rejects the command; [`Infallible`] where it never does.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The events, or the rejection.
    ///
    /// # Errors
    ///
    /// The handler's own.
    fn into_outcome(self) -> Result<Events<Set>, Self::Error>;
}

/// Why the domain rejects a command: every error type is one.
#[diagnostic::on_unimplemented(
    message = "a command handler can't reject with `{Self}`, which is no error type",
    label = "does not implement `std::error::Error`",
    note = "declare a type for what can go wrong here, such as an enum with `#[derive(Debug, thiserror::Error)]`"
)]
pub trait Rejection: std::error::Error + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + Send + Sync + 'static> Rejection for E {}

impl<Set, T, E> Outcome<Set> for Result<T, E>
where
    T: IntoEvents<Set>,
    E: Rejection,
{
    type Error = E;

    fn into_outcome(self) -> Result<Events<Set>, E> {
        self.map(|outcome| collect(outcome))
    }
}

fn collect<Set>(outcome: impl IntoEvents<Set>) -> Events<Set> {
    let mut events = Vec::new();
    outcome.into_events(&mut events);
    events
}

macro_rules! infallible_outcome {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<Set, $($generics)*> Outcome<Set> for $type
        where
            Self: IntoEvents<Set>,
        {
            type Error = Infallible;

            fn into_outcome(self) -> Result<Events<Set>, Infallible> {
                Ok(collect(self))
            }
        }
    )+};
}

infallible_outcome!(
    [] (),
    [T] Option<T>,
    [T] Vec<T>,
    [T, const N: usize] [T; N],
    [A, B] (A, B),
    [A, B, C] (A, B, C),
    [A, B, C, D] (A, B, C, D),
    [A, B, C, D, E] (A, B, C, D, E),
    [A, B, C, D, E, F] (A, B, C, D, E, F),
);

impl<Set> IntoEvents<Set> for () {
    fn into_events(self, _: &mut Events<Set>) {}
}

impl<Set, T: IntoEvents<Set>> IntoEvents<Set> for Option<T> {
    fn into_events(self, events: &mut Events<Set>) {
        if let Some(event) = self {
            event.into_events(events);
        }
    }
}

impl<Set, T: IntoEvents<Set>> IntoEvents<Set> for Vec<T> {
    fn into_events(self, events: &mut Events<Set>) {
        for event in self {
            event.into_events(events);
        }
    }
}

impl<Set, T: IntoEvents<Set>, const N: usize> IntoEvents<Set> for [T; N] {
    fn into_events(self, events: &mut Events<Set>) {
        for event in self {
            event.into_events(events);
        }
    }
}

macro_rules! tuple_into_events {
    ($($name:ident)+) => {
        impl<Set, $($name: IntoEvents<Set>),+> IntoEvents<Set> for ($($name,)+) {
            fn into_events(self, events: &mut Events<Set>) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.into_events(events);)+
            }
        }
    };
}

tuple_into_events!(A B);
tuple_into_events!(A B C);
tuple_into_events!(A B C D);
tuple_into_events!(A B C D E);
tuple_into_events!(A B C D E F);
