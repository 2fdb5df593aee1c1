use cqrs_core::{
    envelope::CommandId,
    store::{AppendOutcome, CommandRecord, EventStore, Load, RecordedCommand},
};
use uuid::Uuid;

use super::sample::{
    append, appended, at, by_command, conflict, event, events, head, more, must_append, read_all, read_stream,
    repeated, stream,
};
use crate::conformance::Stores;

async fn look_up(store: &dyn EventStore, id: CommandId) -> Option<RecordedCommand> {
    store.command(id).await.expect("a command is looked up")
}

/// An append with a known command id adds nothing, and answers with all that happened the first time, also where it
/// claims to be another command: that is for the caller to compare.
pub async fn a_repeated_command_adds_nothing_and_gets_the_first_answer(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    let id = CommandId::generate();
    let first = by_command(append([at(&a, 0)], events(&a, 2)), id, &a);
    let record = first.command.clone().expect("a command");
    let answer = must_append(&*store, first).await;
    must_append(&*store, more(&b, 3)).await;
    must_append(&*store, more(&a, 1)).await;
    let mut again = by_command(append([at(&b, 3)], events(&b, 1)), id, &b);
    again.command = again.command.map(|record| CommandRecord { fingerprint: Uuid::from_u128(8), ..record });
    let known = repeated(store.append(again).await);
    assert_eq!(known.record, record, "not the first command's record");
    assert_eq!(known.version.get(), 2, "not the version after the first time");
    assert_eq!(known.position, answer.position, "not the position of the first time");
    assert_eq!(known.events, read_stream(&*store, &a).await[..2], "not the events of the first time");
    assert_eq!(head(&*store).await, 6, "a repeated command added events");
}

/// Of appends with the same command id at the same time just one happens, and the others learn of it.
pub async fn racing_repeats_of_a_command_append_once(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    for round in 0..10 {
        let id = CommandId::generate();
        let a = stream(&format!("a{round}"));
        let racing: Vec<_> = (0..16)
            .map(|_| {
                let (store, append) = (store.clone(), by_command(more(&a, 2), id, &a));
                tokio::spawn(async move { store.append(append).await })
            })
            .collect();
        let mut first = Vec::new();
        let mut others = Vec::new();
        for task in racing {
            match task.await.expect("the append does not panic").expect("a repeated command is no error") {
                AppendOutcome::Appended(appended) => first.push(appended),
                AppendOutcome::Repeated(known) => others.push(known),
            }
        }
        assert_eq!((first.len(), others.len()), (1, 15), "appended, and repeated");
        let events = read_stream(&*store, &a).await;
        assert_eq!(events.len(), 2, "racing repeats appended more than once");
        for known in others {
            assert_eq!(known.events, events, "a repeated command has other events than the log");
            assert_eq!(known.position, first[0].position);
        }
    }
}

/// A command that led to no events is recorded, with the version of its stream and the head of the log.
pub async fn a_command_without_events_is_remembered(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    must_append(&*store, append([], [event(&a), event(&b), event(&b)])).await;
    let id = CommandId::generate();
    let nothing = by_command(append([at(&a, 1)], []), id, &a);
    let answer = must_append(&*store, nothing.clone()).await;
    assert_eq!((answer.events.len(), answer.position.get()), (0, 3));
    must_append(&*store, more(&a, 1)).await;
    let known = repeated(store.append(nothing).await);
    assert_eq!((known.version.get(), known.position.get()), (1, 3), "version and position of the first time");
    assert_eq!(known.events, []);
    assert_eq!(look_up(&*store, id).await, Some(known));
    let of_missing = by_command(append([], []), CommandId::generate(), &stream("missing"));
    must_append(&*store, of_missing.clone()).await;
    assert_eq!(repeated(store.append(of_missing).await).version.get(), 0);
}

/// The answer that is recorded with a command, and its fingerprint, are given back as they were.
pub async fn the_answer_of_a_command_is_remembered(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let long = "ü".repeat(10_000);
    for answer in [None, Some(""), Some("null"), Some(r#"{"no": "it's \"too late\""}"#), Some(&*long)] {
        let id = CommandId::generate();
        let mut rejected = by_command(append([], []), id, &a);
        let record = CommandRecord {
            id,
            fingerprint: Uuid::new_v5(&Uuid::NAMESPACE_OID, answer.unwrap_or("none").as_bytes()),
            stream: a.clone(),
            answer: answer.map(str::to_owned),
        };
        rejected.command = Some(record.clone());
        must_append(&*store, rejected.clone()).await;
        assert_eq!(repeated(store.append(rejected).await).record, record);
        assert_eq!(look_up(&*store, id).await.expect("recorded").record, record);
    }
}

/// A known command id is answered before any condition is looked at.
pub async fn a_known_command_wins_over_conditions(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let id = CommandId::generate();
    let first = append([at(&a, 0)], [event(&a)]);
    must_append(&*store, by_command(first, id, &a)).await;
    let again = by_command(append([at(&a, 0), at(&a, 7)], [event(&a)]), id, &a);
    assert_eq!(repeated(store.append(again).await).version.get(), 1);
}

/// The very same append sent again, with the same event ids, is a repeated command and no duplicate.
pub async fn a_known_command_wins_over_known_event_ids(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let first = by_command(append([at(&a, 0)], events(&a, 2)), CommandId::generate(), &a);
    must_append(&*store, first.clone()).await;
    assert_eq!(repeated(store.append(first).await).events, read_all(&*store).await);
}

/// A command whose append failed is unknown, and can be appended later under the same id.
pub async fn a_command_that_failed_is_not_remembered(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    must_append(&*store, more(&a, 1)).await;
    let id = CommandId::generate();
    let stale = by_command(append([at(&a, 0)], [event(&a)]), id, &a);
    assert_eq!(conflict(store.append(stale).await, &a), (0, 1));
    assert_eq!(look_up(&*store, id).await, None, "a failed append recorded its command");
    let fresh = by_command(append([at(&a, 1)], [event(&a)]), id, &a);
    assert_eq!(appended(store.append(fresh).await).position.get(), 2);
}

/// A command is found with the events of all streams that it led to, in order, by itself and along with a stream.
pub async fn a_command_is_found_with_its_events(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    must_append(&*store, more(&b, 1)).await;
    let id = CommandId::generate();
    let both = by_command(append([], [event(&b), event(&a), event(&b)]), id, &a);
    let record = both.command.clone().expect("a command");
    let answer = must_append(&*store, both).await;
    must_append(&*store, append([], [event(&a), event(&b)])).await;
    let expected = RecordedCommand {
        record,
        version: answer.events[1].version,
        position: answer.position,
        events: read_all(&*store).await[1..4].to_vec(),
    };
    assert_eq!(look_up(&*store, id).await.as_ref(), Some(&expected));
    for stream in [&a, &b, &stream("missing")] {
        let load = Load { stream, snapshot: None, command: Some(id) };
        let loaded = store.load(load).await.expect("a stream is loaded");
        assert_eq!(loaded.command.as_ref(), Some(&expected), "along with {stream:?}");
    }
}

/// An id that was never recorded is none, also where events carry it in their metadata.
pub async fn an_unknown_command_is_not_found(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let only_in_metadata = more(&a, 1);
    let id = only_in_metadata.metadata.command_id;
    must_append(&*store, only_in_metadata).await;
    let known = CommandId::generate();
    must_append(&*store, by_command(more(&a, 1), known, &a)).await;
    for id in [id, CommandId::generate()] {
        assert_eq!(look_up(&*store, id).await, None);
        let load = Load { stream: &a, snapshot: None, command: Some(id) };
        assert_eq!(store.load(load).await.expect("a stream is loaded").command, None);
    }
    let load = Load { stream: &a, snapshot: None, command: None };
    assert_eq!(store.load(load).await.expect("a stream is loaded").command, None, "nobody asked for it");
}
