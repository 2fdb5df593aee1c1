//! A log that was put back, or has lost its newest events, under processes that go on.

use std::sync::Arc;

use cqrs_core::{
    envelope::{StreamId, Version},
    store::{Append, AppendError, AppendOutcome, Appended, EventStore, Past},
};
use sqlx::AssertSqlSafe;

use super::sample::{append, append_at, appended, event, hold, stream, until_held, whole_log};
use crate::server::{Schema, connect, run, soon};

/// As a superuser can, whom no trigger stops: the log is as it was at a position.
async fn put_back(schema: &Schema, position: u64) {
    let schema = &schema.0;
    run(format!(
        "SET session_replication_role = replica;
         DELETE FROM \"{schema}\".events WHERE position > {position};
         DELETE FROM \"{schema}\".commands WHERE position > {position}"
    ))
    .await;
}

async fn add(store: &dyn EventStore, to: &StreamId, version: u64, past: Past) -> Appended {
    appended(store.append(Append { past, ..append_at(to, version) }).await)
}

/// A new stream of so many events, each on the past of the one before.
async fn grow(store: &dyn EventStore, to: &StreamId, events: u64) -> Past {
    let mut past = Past::UNKNOWN;
    for version in 0..events {
        past = add(store, to, version, past).await.past;
    }
    past
}

async fn is_refused(store: &dyn EventStore, to: &StreamId, version: u64, past: Past) {
    let before = whole_log(store).await;
    let outcome = store.append(Append { past, ..append_at(to, version) }).await;
    assert!(matches!(outcome, Err(AppendError::OtherPast)), "{outcome:?}");
    assert_eq!(whole_log(store).await, before);
}

#[tokio::test]
async fn what_rests_on_a_lost_past_is_refused_though_the_stream_is_at_the_same_version() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let stream = stream("a");
    let past = grow(&store, &stream, 3).await;
    assert!(past.is_known());
    put_back(&schema, 1).await;
    let other = schema.connect_events().await;
    for version in 1..3 {
        add(&other, &stream, version, Past::UNKNOWN).await;
    }
    is_refused(&store, &stream, 3, past).await;
    // Who has looked at the stream anew goes on, and has a past again.
    let new = add(&store, &stream, 3, Past::UNKNOWN).await.past;
    assert!(new.is_known() && new != past);
    is_refused(&store, &stream, 4, past).await;
    assert_eq!(add(&store, &stream, 4, new).await.past, new);
}

#[tokio::test]
async fn what_rests_on_a_lost_past_is_refused_though_nothing_has_come_in_its_place() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let stream = stream("a");
    let mut past = grow(&store, &stream, 3).await;
    for left in [2, 0] {
        put_back(&schema, left).await;
        is_refused(&store, &stream, 3, past).await;
        past = add(&store, &stream, left, Past::UNKNOWN).await.past;
        past = add(&store, &stream, left + 1, past).await.past;
        past = add(&store, &stream, left + 2, past).await.past;
    }
}

#[tokio::test]
async fn of_appends_that_go_together_those_are_refused_that_rest_on_a_lost_past() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let streams: Vec<StreamId> = (0..20).map(|number| stream(&number.to_string())).collect();
    let mut past = Past::UNKNOWN;
    for stream in &streams {
        past = add(&store, stream, 0, past).await.past;
    }
    put_back(&schema, 0).await;
    let other = schema.connect_events().await;
    for stream in &streams {
        add(&other, stream, 0, Past::UNKNOWN).await;
    }
    let outcomes = futures_util::future::join_all(streams.iter().enumerate().map(|(nth, stream)| {
        let past = if nth % 2 == 0 { past } else { Past::UNKNOWN };
        store.append(Append { past, ..append_at(stream, 1) })
    }));
    for (nth, outcome) in outcomes.await.into_iter().enumerate() {
        match outcome {
            Err(AppendError::OtherPast) => assert_eq!(nth % 2, 0),
            Ok(AppendOutcome::Appended(appended)) => {
                assert_eq!((nth % 2, appended.events[0].version), (1, Version::new(2)));
            }
            unexpected => panic!("{nth}: {unexpected:?}"),
        }
    }
    assert_eq!(whole_log(&store).await.len(), 30);
}

#[tokio::test]
async fn what_others_append_takes_nothing_from_a_past() {
    let schema = Schema::new();
    let (store, other) = (schema.connect_events().await, schema.connect_events().await);
    let (one, two) = (stream("one"), stream("two"));
    let mut past = add(&store, &one, 0, Past::UNKNOWN).await.past;
    for version in 1..5 {
        appended(other.append(append(&two)).await);
        let next = add(&store, &one, version, past).await.past;
        assert_eq!(next, past);
        past = next;
    }
    // Another one's events in the same stream are a conflict as ever.
    add(&other, &one, 5, Past::UNKNOWN).await;
    let outcome = store.append(Append { past, ..append_at(&one, 5) }).await;
    let Err(AppendError::Conflict { expected, actual, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((expected.get(), actual.get()), (5, 6));
    assert_eq!(add(&store, &one, 6, past).await.past, past);
}

#[tokio::test]
async fn the_past_of_one_store_is_not_that_of_another() {
    let schema = Schema::new();
    let (store, other) = (schema.connect_events().await, schema.connect_events().await);
    let stream = stream("a");
    let past = add(&store, &stream, 0, Past::UNKNOWN).await.past;
    is_refused(&other, &stream, 1, past).await;
}

#[tokio::test]
async fn an_append_without_events_vouches_for_nothing() {
    let schema = Schema::new();
    let (store, other) = (schema.connect_events().await, schema.connect_events().await);
    let (one, two) = (stream("one"), stream("two"));
    assert!(add(&store, &one, 0, Past::UNKNOWN).await.past.is_known());
    for version in 0..2 {
        add(&other, &two, version, Past::UNKNOWN).await;
    }
    // Behind the last event that the store has appended itself.
    let remembered = Append { events: Vec::new(), ..append_at(&two, 2) };
    assert_eq!(appended(store.append(remembered).await).past, Past::UNKNOWN);
}

/// Makes appends wait, puts the log back meanwhile, and lets them go on.
async fn put_back_while_it_waits(
    schema: &Schema,
    position: u64,
    append: impl Future<Output = Result<AppendOutcome, AppendError>> + Send + 'static,
) -> Result<AppendOutcome, AppendError> {
    let mut superuser = connect().await;
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut superuser).await.unwrap();
    let mut held = hold(&mut superuser, schema).await;
    let waiting = tokio::spawn(append);
    soon(until_held(schema)).await;
    let put_back = format!("DELETE FROM \"{}\".events WHERE position > {position}", schema.0);
    sqlx::raw_sql(AssertSqlSafe(put_back)).execute(&mut *held).await.unwrap();
    held.commit().await.unwrap();
    soon(waiting).await.unwrap()
}

#[tokio::test]
async fn a_log_that_is_put_back_while_an_append_waits_is_noticed() {
    for events in [1, 2] {
        let schema = Schema::new();
        let store = Arc::new(schema.connect_events().await);
        let stream = stream("a");
        let past = grow(&*store, &stream, 4).await;
        // Once alone, on the short way, and once with another event.
        let append = Append {
            command: None,
            past,
            events: (0..events).map(|_| event(&stream)).collect(),
            ..append_at(&stream, 4)
        };
        let on = Arc::clone(&store);
        let outcome = put_back_while_it_waits(&schema, 2, async move { on.append(append).await }).await;
        assert!(matches!(outcome, Err(AppendError::OtherPast)), "{outcome:?}");
        assert_eq!(whole_log(&*store).await.len(), 2);
        // A store that has appended nothing yet looks at the stream, and under the lock.
        for version in 2..4 {
            add(&*store, &stream, version, Past::UNKNOWN).await;
        }
        let fresh = schema.connect_events().await;
        let append = append_at(&stream, 4);
        let outcome = put_back_while_it_waits(&schema, 2, async move { fresh.append(append).await }).await;
        let Err(AppendError::Conflict { expected, actual, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((expected.get(), actual.get()), (4, 2));
        assert_eq!(whole_log(&*store).await.len(), 2);
    }
}
