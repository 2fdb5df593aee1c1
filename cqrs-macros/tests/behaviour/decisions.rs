use std::{fmt::Debug, pin::pin};

use cqrs_core::{
    domain::{Aggregate, Command, Context, Handle, HandleError, NoServices, State},
    envelope::{CommandId, Metadata},
    prelude::*,
};

#[derive(Id)]
struct LampId(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lit {
    by: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Dimmed;

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "lamp", id = LampId)]
enum LampEvent {
    Lit(Lit),
    Dimmed(Dimmed),
}

struct House {
    name: &'static str,
}

#[derive(Aggregate, Default)]
#[aggregate(event = LampEvent, services = House, default)]
struct Lamp {
    dimmed: u32,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("no bulb")]
struct NoBulb;

macro_rules! commands {
    ($($name:ident)*) => {
        $(
            #[derive(Command, Serialize, Deserialize)]
            #[command(aggregate = Lamp)]
            struct $name {
                #[command(id)]
                lamp: LampId,
            }
        )*
    };
}

commands!(Nothing One Maybe None_ Several Array Tuple Whole Fails Mixed Waits Services Counts);

#[handlers(ignore(Lit))]
impl Lamp {
    #[command_handler]
    fn nothing(&self, _command: Nothing) {}

    #[command_handler]
    fn one(&self, _command: &One) -> Dimmed {
        Dimmed
    }

    #[command_handler]
    fn maybe(&self, _command: Maybe) -> Option<Dimmed> {
        Some(Dimmed)
    }

    #[command_handler]
    fn none(&self, _command: None_) -> Result<Option<Dimmed>, NoBulb> {
        Ok(None)
    }

    #[command_handler]
    fn several(&self, _command: Several) -> Vec<LampEvent> {
        vec![Dimmed.into(), Lit { by: String::new() }.into()]
    }

    #[command_handler]
    fn array(&self, _command: Array) -> Result<[Dimmed; 2], NoBulb> {
        Ok([Dimmed, Dimmed])
    }

    #[command_handler]
    fn tuple(&self, _command: Tuple) -> (Dimmed, Option<Lit>, Vec<Dimmed>) {
        (Dimmed, None, vec![Dimmed])
    }

    #[command_handler]
    fn whole(&self, _command: Whole) -> LampEvent {
        LampEvent::Dimmed(Dimmed)
    }

    #[command_handler]
    fn fails(&self, _command: Fails) -> Result<(), NoBulb> {
        Err(NoBulb)
    }

    #[command_handler]
    async fn waits(&self, command: Waits, metadata: &Metadata) -> Result<Lit, NoBulb> {
        tokio::task::yield_now().await;
        Ok(Lit { by: format!("{}, for {:?}", metadata.correlation_id, command.lamp) })
    }

    #[command_handler]
    fn services(&self, _command: Services, house: &House) -> Lit {
        Lit { by: house.name.to_owned() }
    }

    #[command_handler]
    fn mixed(&self, _command: Mixed, metadata: &Metadata, house: &House, _again: &Metadata) -> Lit {
        Lit { by: format!("{} {}", metadata.command_id, house.name) }
    }
}

#[handlers]
impl Lamp {
    #[command_handler]
    fn counts(&self, _command: Counts) -> Lit {
        Lit { by: self.dimmed.to_string() }
    }

    #[event_handler]
    fn on_dimmed(&mut self, _event: &Dimmed) {
        self.dimmed += 1;
    }
}

async fn decide<C>(command: C) -> Result<Vec<LampEvent>, HandleError<<Lamp as Handle<C>>::Error>>
where
    C: Command,
    Lamp: Handle<C>,
{
    let metadata = Metadata::of_command(CommandId::from_key("lamp"), jiff::Timestamp::UNIX_EPOCH);
    let context = Context { metadata: &metadata, services: &House { name: "home" } };
    Lamp::handle(State::Present(&Lamp { dimmed: 3 }), &command, context).await
}

async fn events<C>(command: C) -> Vec<LampEvent>
where
    C: Command,
    Lamp: Handle<C>,
    HandleError<<Lamp as Handle<C>>::Error>: Debug,
{
    decide(command).await.unwrap()
}

const LAMP: LampId = LampId(1);

#[tokio::test]
async fn a_handler_returns_any_shape_of_events() {
    let dimmed = || LampEvent::from(Dimmed);
    assert_eq!(events(Nothing { lamp: LAMP }).await, []);
    assert_eq!(events(One { lamp: LAMP }).await, [dimmed()]);
    assert_eq!(events(Maybe { lamp: LAMP }).await, [dimmed()]);
    assert_eq!(events(None_ { lamp: LAMP }).await, []);
    let lit = LampEvent::from(Lit { by: String::new() });
    assert_eq!(events(Several { lamp: LAMP }).await, [dimmed(), lit]);
    assert_eq!(events(Array { lamp: LAMP }).await, [dimmed(), dimmed()]);
    assert_eq!(events(Tuple { lamp: LAMP }).await, [dimmed(), dimmed()]);
    assert_eq!(events(Whole { lamp: LAMP }).await, [dimmed()]);
}

#[tokio::test]
async fn a_rejection_keeps_its_type() {
    let rejected = decide(Fails { lamp: LAMP }).await.unwrap_err();
    assert!(matches!(rejected, HandleError::Rejected(NoBulb)));
}

#[tokio::test]
async fn a_handler_may_wait_and_takes_metadata_and_services_in_any_order() {
    let id = CommandId::from_key("lamp");
    assert_eq!(events(Waits { lamp: LAMP }).await, [Lit { by: format!("{id}, for LampId(1)") }.into()]);
    assert_eq!(events(Services { lamp: LAMP }).await, [Lit { by: "home".into() }.into()]);
    assert_eq!(events(Mixed { lamp: LAMP }).await, [Lit { by: format!("{id} home") }.into()]);
    assert_eq!(events(Counts { lamp: LAMP }).await, [Lit { by: "3".into() }.into()]);
}

#[test]
fn a_decision_may_move_between_threads() {
    fn is_send(_: impl Send) {}
    let future = pin!(decide(Waits { lamp: LAMP }));
    is_send(future);
}

#[tokio::test]
async fn the_services_are_none_unless_declared() {
    #[derive(Aggregate)]
    #[aggregate(event = LampEvent)]
    struct Plain;

    #[handlers(ignore(Lit, Dimmed))]
    impl Plain {}

    fn of<A: Aggregate<Services = NoServices>>() -> (Option<u64>, bool) {
        (A::SNAPSHOT_EVERY, A::initial().is_none())
    }
    assert_eq!(of::<Plain>(), (None, true));
    assert!(Plain.to_snapshot().is_none());
}
