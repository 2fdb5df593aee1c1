//! Types named like the parameters of generated code.
use cqrs_core::prelude::*;

#[derive(Id)]
pub struct K(u64);

#[derive(Serialize, Deserialize)]
pub struct E {}
#[derive(Serialize, Deserialize)]
pub struct C {}
#[derive(Serialize, Deserialize)]
pub struct M {}

#[derive(Event)]
#[event(stream = "s", id = K)]
pub enum S {
    E(E),
    C(C),
    M(M),
}

#[derive(Aggregate, Default)]
#[aggregate(event = S, default)]
pub struct A;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = A)]
pub struct T {
    #[command(id)]
    k: K,
}

#[handlers(ignore(C, M))]
impl A {
    #[command_handler]
    fn t(&self, _: &T) -> E {
        E {}
    }

    #[event_handler]
    fn on_e(&mut self, _: &E) {}
}

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(S), default)]
pub struct P {}

#[handlers(ignore(E, M))]
impl P {
    #[event_handler]
    fn on_c(&mut self, _: &C) {}
}

fn main() {}
