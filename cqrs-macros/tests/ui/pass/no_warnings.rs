//! A strict crate. (`tests/crates` has what Clippy looks at.)
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, unused)]

use cqrs_core::prelude::*;

/// An id.
#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Id)]
struct Hidden(String);

#[derive(Id)]
struct Number(i16);

/// An event.
#[derive(Debug, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// A field.
    pub note: String,
}

/// Events.
#[derive(Debug, Event)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent {
    /// One.
    Placed(OrderPlaced),
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent))]
struct Private {
    #[projection(index)]
    hidden: Hidden,
    #[projection(index)]
    number: Number,
}

#[handlers]
impl Private {
    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { hidden: Hidden(event.note.clone()), number: Number(1) }
    }
}

fn main() {}
