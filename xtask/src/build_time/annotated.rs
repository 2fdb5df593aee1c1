//! A domain with one aggregate and one projection over many events, written with the macros.

use std::fmt::Write as _;

pub(super) fn source(events: usize) -> String {
    let mut variants = String::new();
    let mut payloads = String::new();
    let mut handlers = String::new();
    for number in 0..events {
        write!(
            payloads,
            "#[derive(Serialize, Deserialize)]\npub struct Happened{number} {{ pub amount: i64, pub note: String }}\n"
        )
        .expect("a string takes all");
        writeln!(variants, "    V{number}(Happened{number}),").expect("a string takes all");
        write!(
            handlers,
            "    #[event_handler]\n    fn on_{number}(&mut self, event: &Happened{number}) {{ self.total += event.amount; }}\n"
        )
        .expect("a string takes all");
    }
    format!(
        "#![allow(dead_code)]\nuse cqrs_core::prelude::*;\n\
         #[derive(Id)]\npub struct ThingId(String);\n{payloads}\
         #[derive(Event)]\n#[event(stream = \"thing\", id = ThingId)]\npub enum ThingEvent {{\n{variants}}}\n\
         #[derive(Aggregate, Default)]\n#[aggregate(event = ThingEvent, default)]\npub struct Thing {{ total: i64 }}\n\
         #[handlers]\nimpl Thing {{\n{handlers}}}\n\
         #[derive(Projection, Default, Serialize, Deserialize)]\n#[projection(events(ThingEvent), default)]\n\
         pub struct View {{ total: i64 }}\n\
         #[handlers]\nimpl View {{\n{handlers}}}\n"
    )
}
