use cqrs_core::{
    domain::{Event, Events, IntoEvents, SchemaVersion},
    envelope::Json,
};

use super::diff::causes;

/// An event as the log would hold it.
pub(super) struct Recorded<'n> {
    pub(super) name: &'n str,
    pub(super) version: SchemaVersion,
    pub(super) data: Json,
}

pub(super) fn collect<Set>(events: impl IntoEvents<Set>) -> Events<Set> {
    let mut collected = Events::new();
    events.into_events(&mut collected);
    collected
}

#[track_caller]
pub(super) fn record<E: Event>(event: &E) -> Recorded<'static> {
    let event_type = event.event_type();
    match event.encode() {
        Ok(data) => Recorded { name: event_type.name, version: event_type.version, data },
        Err(error) => panic!("{}", causes(&error)),
    }
}

/// An event as a log has recorded it, perhaps long ago, and what it is today.
#[track_caller]
pub(super) fn recorded<'n, E: Event>(name: &'n str, version: u32, json: &str) -> (Recorded<'n>, E) {
    let version = SchemaVersion::new(version).expect("schema versions start at 1, not at 0");
    let data = match Json::from_text(json.to_owned()) {
        Ok(data) => data,
        Err(error) => panic!("the recorded data of the event `{name}` is no JSON: {error}: {json}"),
    };
    match E::decode(name, version, &data) {
        Ok(event) => (Recorded { name, version, data }, event),
        Err(error) => panic!("a recorded event can't be read from {json}: {}", causes(&error)),
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
