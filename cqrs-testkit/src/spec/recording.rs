use cqrs_core::{
    domain::{Event, Events, IntoEvents, SchemaVersion},
    envelope::Json,
};

use super::diff::causes;

/// An event as the log would hold it.
pub(super) struct Recorded {
    pub(super) name: &'static str,
    pub(super) version: SchemaVersion,
    pub(super) data: Json,
}

pub(super) fn collect<Set>(events: impl IntoEvents<Set>) -> Events<Set> {
    let mut collected = Events::new();
    events.into_events(&mut collected);
    collected
}

#[track_caller]
pub(super) fn record<E: Event>(event: &E) -> Recorded {
    let event_type = event.event_type();
    match event.encode() {
        Ok(data) => Recorded { name: event_type.name, version: event_type.version, data },
        Err(error) => panic!("{}", causes(&error)),
    }
}

/// Takes an event through the form in which the log keeps it.
#[track_caller]
pub(super) fn reread<E: Event>(event: &E) -> E {
    let Recorded { name, version, data } = record(event);
    match E::decode(name, version, &data) {
        Ok(event) => event,
        Err(error) => panic!("an event can't be read back from {}: {}", data.as_str(), causes(&error)),
    }
}
