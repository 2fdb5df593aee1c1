use std::{any::Any, fmt};

use cqrs_core::{
    domain::{Aggregate, Command, Context, Event, Fold, Handle, IntoEvents, Model, NoServices, State},
    envelope::Metadata,
};

use super::{
    blocking::block_on,
    circumstances::{anybody, circumstances},
    decision::Decision,
    diff::{causes, short_name},
    recording::{collect, recorded, reread},
};

/// A test of an aggregate: given events, when a command comes, then other events follow, or a rejection.
///
/// ```
/// use cqrs_core::prelude::*;
/// use cqrs_testkit::Spec;
/// #
/// # #[derive(Id)]
/// # struct CounterId(String);
/// #
/// # #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// # struct Increased { by: u32 }
/// #
/// # #[derive(Debug, PartialEq, Event)]
/// # #[event(stream = "counter", id = CounterId)]
/// # enum CounterEvent { Increased(Increased) }
/// #
/// # #[derive(Aggregate, Default)]
/// # #[aggregate(event = CounterEvent, default)]
/// # struct Counter { value: u32 }
/// #
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(aggregate = Counter)]
/// # struct Increase { #[command(id)] counter: CounterId, by: u32 }
/// #
/// # #[derive(Debug, PartialEq)]
/// # struct TooHigh;
/// # impl std::fmt::Display for TooHigh {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("too high") }
/// # }
/// # impl std::error::Error for TooHigh {}
/// #
/// # #[handlers]
/// # impl Counter {
/// #     #[command_handler]
/// #     fn increase(&self, command: Increase) -> Result<Increased, TooHigh> {
/// #         if self.value + command.by > 10 { Err(TooHigh) } else { Ok(Increased { by: command.by }) }
/// #     }
/// #     #[event_handler]
/// #     fn on_increased(&mut self, event: &Increased) { self.value += event.by; }
/// # }
///
/// let counter = CounterId::new("visits")?;
/// Spec::<Counter>::given([Increased { by: 3 }, Increased { by: 4 }])
///     .when(Increase { counter: counter.clone(), by: 3 })
///     .then(Increased { by: 3 })
///     .when(Increase { counter, by: 1 })
///     .then_rejected(TooHigh);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// All events are taken through the form in which a log keeps them, so that one that can't be read back is noticed.
pub struct Spec<'s, A: Aggregate> {
    pub(super) state: State<A>,
    pub(super) metadata: Metadata,
    pub(super) services: Option<&'s A::Services>,
}

impl<A: Aggregate> Spec<'static, A> {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self {
            state: State::Absent,
            metadata: anybody(),
            services: (&NoServices as &dyn Any).downcast_ref::<A::Services>(),
        }
    }

    /// These events have happened: one, an `Option`, `Vec`, array or tuple of them, or `()`.
    ///
    /// # Panics
    ///
    /// Where the aggregate's event handlers don't take them in this order.
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn given(events: impl IntoEvents<A::Event>) -> Self {
        Self::new().and_given(events)
    }

    /// As [`and_given_recorded`](Spec::and_given_recorded), and nothing before.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn given_recorded(name: &str, schema_version: u32, json: &str) -> Self {
        Self::new().and_given_recorded(name, schema_version, json)
    }
}

impl<A: Aggregate> Default for Spec<'static, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'s, A: Aggregate> Spec<'s, A> {
    /// And then these have happened.
    ///
    /// # Panics
    ///
    /// As [`given`](Self::given).
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn and_given(mut self, events: impl IntoEvents<A::Event>) -> Self {
        for event in &collect(events) {
            self.fold(event);
        }
        self
    }

    /// And then this event has happened, recorded under this name, in this schema version, with this data: for events
    /// that older code has written, and that are upcast when they are read.
    ///
    /// # Panics
    ///
    /// Where the event can't be read, and as [`given`](Spec::given).
    #[track_caller]
    #[must_use = "a test says what comes `then`"]
    pub fn and_given_recorded(mut self, name: &str, schema_version: u32, json: &str) -> Self {
        let (_, event) = recorded(name, schema_version, json);
        self.fold(&event);
        self
    }

    /// What the command handlers may use; needed where the aggregate declares services.
    pub fn services(self, services: &A::Services) -> Spec<'_, A> {
        Spec { state: self.state, metadata: self.metadata, services: Some(services) }
    }

    circumstances!();

    /// The command comes. A handler that is `async` is waited for, on a runtime of its own.
    ///
    /// # Panics
    ///
    /// Where the aggregate declares services, and the test gives none.
    #[track_caller]
    pub fn when<C: Command<Aggregate = A>>(self, command: C) -> Decision<'s, C>
    where
        A: Handle<C>,
    {
        self.assert_services();
        block_on(self.decide(command))
    }

    /// As [`when`](Self::when), on the runtime of the test itself: for services that belong to it.
    ///
    /// # Panics
    ///
    /// As [`when`](Self::when).
    pub async fn when_async<C: Command<Aggregate = A>>(self, command: C) -> Decision<'s, C>
    where
        A: Handle<C>,
    {
        self.assert_services();
        self.decide(command).await
    }

    #[track_caller]
    fn assert_services(&self) {
        assert!(
            self.services.is_some(),
            "`{}` declares services: give them to the test with `.services(&…)`",
            short_name::<A>()
        );
    }

    async fn decide<C: Command<Aggregate = A>>(mut self, command: C) -> Decision<'s, C>
    where
        A: Handle<C>,
    {
        // A `default` aggregate exists before its first event.
        self.state = match self.state {
            State::Present(state) => State::Present(state),
            missing => A::initial().map_or(missing, State::Present),
        };
        let services = self.services.expect("asserted before");
        let context = Context { metadata: &self.metadata, services };
        let outcome = A::handle(self.state.as_ref(), &command, context).await;
        Decision { after: self, outcome }
    }

    #[track_caller]
    pub(super) fn fold(&mut self, event: &A::Event) {
        let state = std::mem::replace(&mut self.state, State::Absent);
        self.state = match reread(event).fold(state, &self.metadata.for_events()) {
            Ok(state) => state,
            Err(error) => panic!(
                "`{}` can't take the event `{}` after those before it: {}",
                short_name::<A>(),
                event.event_type().name,
                causes(&error)
            ),
        };
    }
}

impl<A: Aggregate + Model> fmt::Debug for Spec<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("aggregate", &short_name::<A>()).finish_non_exhaustive()
    }
}
