use std::sync::Arc;

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Metadata, Position, RecordedEvent, TraceContext},
    store::{Append, EventStore, NewEvent, Written},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::sample::{
    append, appended, at, by_command, conflict, event, events, head, ids, load, more, must_append, new_ids,
    positions, read_all, read_stream, stream, stream_of, versions,
};
use crate::conformance::{
    Stores,
    json::{PECULIAR_JSON, json},
};

/// An event comes back with the id, stream, name, schema version, data and metadata that it was appended with: data
/// to the byte, and every field of the metadata.
pub async fn events_are_read_back_as_they_were_appended(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let streams = [stream("1"), stream_of("payment", "1")];
    let given: Vec<NewEvent> = PECULIAR_JSON
        .iter()
        .zip(0_u32..)
        .map(|(text, at)| NewEvent {
            event_id: EventId::generate(),
            stream: streams[at as usize % 2].clone(),
            name: format!("event_{at}").into(),
            schema_version: SchemaVersion::new(at + 1).expect("from 1"),
            data: json(*text),
        })
        .collect();
    let mut metadata = Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH);
    metadata.correlation_id = Uuid::from_u128(1);
    metadata.causation_id = Some(Uuid::from_u128(2));
    metadata.actor = Some("ada \"the first\" lovelace".to_owned());
    metadata.tenant = Some("größte".to_owned());
    metadata.trace = Some(TraceContext {
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        tracestate: Some("vendor=1".to_owned()),
    });
    metadata.headers = [("a".to_owned(), "1".to_owned()), ("'".to_owned(), String::new())].into();
    for metadata in [metadata, Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH)] {
        let given: Vec<NewEvent> =
            given.iter().map(|event| NewEvent { event_id: EventId::generate(), ..event.clone() }).collect();
        let before = head(&*store).await;
        let append = Append { metadata: metadata.clone(), ..append([], given.clone()) };
        let answer = must_append(&*store, append).await;
        let mut as_recorded = metadata;
        as_recorded.time = answer.time;
        let as_recorded = Arc::new(as_recorded);
        let expected: Vec<RecordedEvent> = given
            .into_iter()
            .zip(&answer.events)
            .map(|(event, written)| RecordedEvent {
                event_id: event.event_id,
                stream: event.stream,
                version: written.version,
                position: written.position,
                name: event.name,
                schema_version: event.schema_version,
                data: event.data,
                metadata: Arc::clone(&as_recorded),
            })
            .collect();
        let new = |events: Vec<RecordedEvent>| -> Vec<RecordedEvent> {
            events.into_iter().filter(|event| event.position.get() > before).collect()
        };
        let log = new(read_all(&*store).await);
        for (read, expected) in log.iter().zip(&expected) {
            assert_eq!(read.data.as_str(), expected.data.as_str(), "other data was read from the log");
        }
        assert_eq!(log, expected, "other events were read from the log");
        for stream in &streams {
            let of_stream: Vec<_> = expected.iter().filter(|event| event.stream == *stream).cloned().collect();
            let read = new(read_stream(&*store, stream).await);
            assert_eq!(read, of_stream, "other events were read from the stream");
            let loaded = new(load(&*store, stream).await.events);
            assert_eq!(loaded, of_stream, "other events were loaded");
        }
    }
}

/// The events of a stream have the versions 1, 2, 3 and so on, whatever other streams get meanwhile.
pub async fn versions_of_a_stream_are_consecutive_from_one(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    must_append(&*store, append([at(&a, 0)], events(&a, 2))).await;
    must_append(&*store, append([at(&b, 0)], [event(&b)])).await;
    let answer = must_append(&*store, append([at(&a, 2), at(&b, 1)], [event(&a), event(&b), event(&a)])).await;
    let answered: Vec<u64> = answer.events.iter().map(|written| written.version.get()).collect();
    assert_eq!(answered, [3, 2, 4], "the answer has other versions");
    assert_eq!(versions(&read_stream(&*store, &a).await), [1, 2, 3, 4]);
    assert_eq!(versions(&read_stream(&*store, &b).await), [1, 2]);
}

/// The events of a log have the positions 1, 2, 3 and so on, in the order in which they were given.
pub async fn positions_are_consecutive_from_one(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    assert_eq!(head(&*store).await, 0, "a new log has a head");
    let (a, b) = (stream("a"), stream("b"));
    let mut given = Vec::new();
    for size in [1, 3, 2] {
        let mut batch = events(&a, size);
        batch.push(event(&b));
        given.extend(new_ids(&batch));
        let answer = must_append(&*store, append([], batch)).await;
        assert_eq!(answer.position.get(), given.len() as u64, "the answer has another last position");
        assert_eq!(answer.events.last().expect("events").position, answer.position);
    }
    let log = read_all(&*store).await;
    assert_eq!(positions(&log), (1..=given.len() as u64).collect::<Vec<_>>());
    assert_eq!(ids(&log), given, "the log has another order");
}

/// Neither a conflict nor a refused event takes a position or a version.
pub async fn a_failed_append_leaves_no_hole(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let known = event(&a);
    must_append(&*store, append([], [known.clone()])).await;
    store.append(append([at(&a, 0)], events(&a, 3))).await.expect_err("a conflict");
    store.append(append([], [event(&a), known])).await.expect_err("a known event id");
    must_append(&*store, more(&a, 1)).await;
    let log = read_all(&*store).await;
    assert_eq!(positions(&log), [1, 2], "a failed append took positions");
    assert_eq!(versions(&log), [1, 2], "a failed append took versions");
    assert_eq!(head(&*store).await, 2);
}

/// One append writes the events of all of its streams.
pub async fn an_append_writes_all_of_its_streams(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let streams: Vec<_> = (0..5).map(|id| stream(&id.to_string())).collect();
    let given: Vec<NewEvent> = streams.iter().chain(&streams).map(event).collect();
    let conditions: Vec<_> = streams.iter().map(|stream| at(stream, 0)).collect();
    let answer = must_append(&*store, append(conditions, given.clone())).await;
    let log = read_all(&*store).await;
    assert_eq!(ids(&log), new_ids(&given));
    let places: Vec<Written> =
        log.iter().map(|event| Written { version: event.version, position: event.position }).collect();
    assert_eq!(answer.events, places, "the answer has other places than the log");
    for (nth, stream) in streams.iter().enumerate() {
        let of_stream = ids(&read_stream(&*store, stream).await);
        assert_eq!(of_stream, [given[nth].event_id, given[nth + 5].event_id], "of {stream:?}");
    }
}

/// Where one condition of several does not hold, no stream gets an event and the command is not recorded.
pub async fn a_failed_condition_writes_nothing_at_all(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    must_append(&*store, more(&b, 1)).await;
    for conditions in [[at(&a, 0), at(&b, 0)], [at(&b, 0), at(&a, 0)]] {
        let command = CommandId::generate();
        let failing = append(conditions, [event(&a), event(&b), event(&a)]);
        let outcome = store.append(by_command(failing, command, &a)).await;
        assert_eq!(conflict(outcome, &b), (0, 1));
        assert_eq!(read_stream(&*store, &a).await, [], "a failed append wrote to a stream whose condition held");
        assert_eq!(head(&*store).await, 1, "a failed append wrote events");
        let known = store.command(command).await.expect("a command is looked up");
        assert_eq!(known, None, "a failed append recorded its command");
    }
}

/// A conflict says for which stream, which version the append was made for, and which one the stream has: be it
/// behind, ahead, or missing.
pub async fn a_conflict_names_expected_and_actual_version(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, missing) = (stream("a"), stream("missing"));
    must_append(&*store, more(&a, 3)).await;
    for expected in [0, 1, 2, 4, 1_000_000] {
        let outcome = store.append(append([at(&a, expected)], [event(&a)])).await;
        assert_eq!(conflict(outcome, &a), (expected, 3));
    }
    let outcome = store.append(append([at(&missing, 1)], [event(&missing)])).await;
    assert_eq!(conflict(outcome, &missing), (1, 0));
    must_append(&*store, append([at(&a, 3)], [event(&a)])).await;
}

/// A condition counts also for a stream that the append only looks at.
pub async fn a_condition_holds_for_a_stream_that_gets_no_events(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    must_append(&*store, append([at(&b, 0)], [event(&a)])).await;
    let outcome = store.append(append([at(&a, 0)], [event(&b)])).await;
    assert_eq!(conflict(outcome, &a), (0, 1));
    let outcome = store.append(append([at(&a, 2)], [])).await;
    assert_eq!(conflict(outcome, &a), (2, 1));
    must_append(&*store, append([at(&a, 1)], [event(&b)])).await;
}

/// Events without a condition go to the end of their streams.
pub async fn an_append_without_conditions_always_fits(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    for version in 1..=3 {
        let answer = appended(store.append(append([], [event(&a)])).await);
        assert_eq!(answer.events[0].version.get(), version);
    }
}

/// An append without events and command writes nothing, and answers with the head.
pub async fn an_append_of_nothing_changes_nothing(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let answer = must_append(&*store, append([], [])).await;
    assert_eq!((answer.events.len(), answer.position), (0, Position::ZERO));
    must_append(&*store, more(&a, 2)).await;
    let answer = must_append(&*store, append([at(&a, 2)], [])).await;
    assert_eq!((answer.events.len(), answer.position.get()), (0, 2));
    assert_eq!(read_all(&*store).await.len(), 2);
}

/// The store stamps its own time, to the microsecond and never before that of an earlier event; what the append
/// came with does not count.
pub async fn recorded_times_are_the_stores_own_and_never_go_back(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let tolerance = SignedDuration::from_hours(1);
    let mut latest = Timestamp::MIN;
    for hours in [0, 1_000_000, -10_000, 0] {
        let mut append = more(&a, 2);
        append.metadata.time = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let answer = must_append(&*store, append).await;
        let off = answer.time.duration_since(Timestamp::now()).abs();
        assert!(off < tolerance, "the recorded time {} is not the store's own", answer.time);
        assert!(answer.time >= latest, "{} was recorded after {latest}", answer.time);
        assert_eq!(answer.time.subsec_nanosecond() % 1000, 0, "{} has more than microseconds", answer.time);
        latest = answer.time;
        for event in read_stream(&*store, &a).await.iter().rev().take(2) {
            assert_eq!(event.metadata.time, answer.time, "an event has another time than the answer");
        }
    }
}

/// What was read once is read again just so, whatever comes after it.
pub async fn recorded_events_never_change(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    let mut known: Vec<RecordedEvent> = Vec::new();
    for round in 0..10 {
        must_append(&*store, append([at(&a, round)], [event(&a), event(&b)])).await;
        store.append(append([at(&a, round)], [event(&a)])).await.expect_err("a conflict");
        let log = read_all(&*store).await;
        assert!(log.len() > known.len(), "the log lost events");
        assert_eq!(log[..known.len()], known, "events that were read before have changed");
        known = log;
    }
    let of_a: Vec<_> = known.iter().filter(|event| event.stream == a).cloned().collect();
    assert_eq!(read_stream(&*store, &a).await, of_a, "the stream has other events than the log");
}
