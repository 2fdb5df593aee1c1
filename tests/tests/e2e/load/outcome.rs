//! What has to be true after all.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_core::envelope::RecordedEvent;
use serde_json::{Value, json};

use super::{client::CUSTOMER, told::Told};
use crate::{
    http::Client,
    log,
    many::{in_parallel, sample},
    model::Model,
    orders::place as place_order,
    place::Place,
};

/// Each acknowledged command is in the log just once, each other one at most once; a repeated key is answered as the
/// first time and adds nothing, of which many commands are a sample; and the views are what the log folds to.
///
/// `command` takes commands, `query` answers queries; both must be well.
pub(crate) fn check(place: &Place, command: &Client, query: &Client, told: &[Told]) {
    let events = place.events();
    check_log(&events, told);
    println!(
        "{} events, {} commands, {} given up",
        events.len(),
        told.len(),
        told.iter().filter(|told| !told.is_acknowledged()).count()
    );

    // What was given up is sent until it is known what became of it.
    let (acknowledged, given_up): (Vec<&Told>, _) = told.iter().partition(|told| told.is_acknowledged());
    let again: Vec<&Told> = sample(acknowledged).into_iter().chain(given_up).collect();
    in_parallel(&again, |told| {
        let again = told.sent.try_send(command).expect("the service runs");
        let Some(first) = &told.answer else {
            // Whether it was done the first time or is done now.
            assert_eq!(again.status, 201, "{again}");
            return;
        };
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{first}\nand then\n{again}");
        assert_eq!(again.token(), first.token());
        assert_eq!(again.headers.get("location"), first.headers.get("location"));
    });
    let arrived_late = told.iter().filter(|told| !told.is_acknowledged() && !is_in(&events, told)).count();
    let last = place_order(command, "last");
    let after = place.events();
    assert_eq!(after.len(), events.len() + arrived_late + 1, "a repeated key appends nothing");
    assert_eq!(last.position, after.len() as u64);

    Model::of(&after).check(query, &last.token);
    check_history(command, &after);
}

/// Whether this event is the one that the command asked for.
fn is_of(event: &RecordedEvent, told: &Told) -> bool {
    let data = log::data(event);
    event.name == told.event
        && told.data.as_object().expect("an object").iter().all(|(field, value)| data[field] == *value)
}

fn is_in(events: &[RecordedEvent], told: &Told) -> bool {
    events.iter().any(|event| is_of(event, told))
}

/// Each acknowledged command is there just once and as it was answered, each other one at most once and whole, and
/// there is nothing else but the orders of customers that the clients do not know.
fn check_log(events: &[RecordedEvent], told: &[Told]) {
    let aside = |event: &RecordedEvent| {
        let data = log::data(event);
        data["customer_id"].as_str().is_some_and(|customer| !customer.starts_with(CUSTOMER))
    };
    let aside: BTreeSet<_> = events.iter().filter(|event| aside(event)).map(|event| event.position).collect();
    let placed = |event: &&RecordedEvent| event.name == "order_placed";
    let sku = |data: &Value| data["lines"][0]["sku"].as_str().expect("an article").to_owned();
    let mut by_sku: BTreeMap<String, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events.iter().filter(placed).filter(|event| !aside.contains(&event.position)) {
        by_sku.entry(sku(&log::data(event))).or_default().push(event);
    }

    let mut accounted = BTreeSet::new();
    for told in told {
        let event = match told.body() {
            Some(body) => {
                let position = body["position"].as_u64().expect("a position");
                let index = usize::try_from(position).expect("a small number") - 1;
                let event =
                    events.get(index).unwrap_or_else(|| panic!("it was acknowledged, but is lost: {told:?}"));
                assert_eq!(body["version"], event.version.get(), "{told:?}");
                let order = told.sent.path.split('/').nth(2).map_or(body["order_id"].clone(), Value::from);
                assert_eq!(order, event.stream.id(), "{told:?}");
                event
            }
            None => match by_sku.get(&sku(&told.data)).map(Vec::as_slice) {
                None => continue,
                Some(found) => found[0],
            },
        };
        assert!(is_of(event, told), "{told:?}\nis not\n{event:?}");
        assert!(accounted.insert(event.position), "two commands share an event: {event:?}");
    }
    assert_eq!(
        accounted.len() + aside.len(),
        events.len(),
        "each event is of a command that was sent, and none is there twice"
    );
    for (sku, events) in by_sku {
        assert_eq!(events.len(), 1, "{sku} was ordered once");
    }
    let commands: BTreeSet<_> = events.iter().map(|event| event.metadata.command_id.as_uuid()).collect();
    assert_eq!(commands.len(), events.len(), "each command has one event");
}

/// The history of orders is what the log has.
fn check_history(client: &Client, events: &[RecordedEvent]) {
    let mut streams: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        streams.entry(event.stream.id()).or_default().push(event);
    }
    let streams = sample(streams.into_iter().collect());
    in_parallel(&streams, |(order, events)| {
        let answer = client.get(&format!("/orders/{order}/history")).expect(200);
        let expected: Vec<_> = events
            .iter()
            .map(|event| {
                json!({
                    "event_id": event.event_id.as_uuid(),
                    "version": event.version.get(),
                    "position": event.position.get(),
                    "type": event.name,
                    "schema_version": event.schema_version.get(),
                    "recorded_at": event.metadata.time.to_string(),
                    "correlation_id": event.metadata.correlation_id,
                    "causation_id": event.metadata.causation_id,
                    "data": log::data(event),
                })
            })
            .collect();
        assert_eq!(answer.json(), json!({ "events": expected }), "{answer}");
    });
}
