//! How appends wait for each other.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use cqrs_core::{
    envelope::Json,
    store::{AppendError, Error, EventStore},
};

use super::sample::{append, append_at, appended, event, hold, soon, stream, until_held, whole_log};
use crate::server::{Schema, connect};

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn no_more_appends_wait_than_the_queue_takes() {
    let schema = Schema::new();
    let store = schema.events().queue(3).connect(&crate::server::url()).await.unwrap();
    let mut other = connect().await;
    let held = hold(&mut other, &schema).await;
    let stream = stream("a");
    let mut waiting = Vec::new();
    // Some are on their way already, and no longer in the queue.
    let error = loop {
        let mut next = store.append(append(&stream));
        match poll_once(&mut next) {
            Poll::Pending => waiting.push(next),
            Poll::Ready(Err(error)) => break error,
            Poll::Ready(Ok(outcome)) => panic!("appended while the log is held: {outcome:?}"),
        }
        tokio::task::yield_now().await;
        assert!(waiting.len() < 100, "the queue has no bound");
    };
    assert!(matches!(error, AppendError::Busy { limit: 3 }), "{error:?}");
    assert!(error.is_retryable());
    held.rollback().await.unwrap();
    for next in &mut waiting {
        appended(soon(next).await);
    }
    assert_eq!(whole_log(&store).await.len(), waiting.len());
}

#[tokio::test]
async fn an_append_that_nobody_polls_any_more_holds_nobody_up() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let stream = stream("a");
    let mut stalled: Vec<_> = (0..10).map(|_| store.append(append(&stream))).collect();
    for append in &mut stalled {
        assert!(poll_once(append).is_pending());
    }
    for _ in 0..10 {
        appended(soon(store.append(append(&stream))).await);
    }
    for append in stalled {
        appended(soon(append).await);
    }
    assert_eq!(whole_log(&store).await.len(), 20);
}

#[tokio::test]
async fn an_append_that_is_dropped_while_it_waits_is_made_whole_or_not() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let mut other = connect().await;
    let held = hold(&mut other, &schema).await;
    let (a, b) = (stream("a"), stream("b"));
    let mut first = store.append(append(&a));
    assert!(poll_once(&mut first).is_pending());
    let mut dropped = store.append(append(&a));
    assert!(poll_once(&mut dropped).is_pending());
    let mut last = store.append(append(&b));
    assert!(poll_once(&mut last).is_pending());
    drop(dropped);
    held.rollback().await.unwrap();
    appended(first.await);
    appended(last.await);
    for event in &whole_log(&store).await {
        let command = store.command(event.metadata.command_id).await.unwrap().unwrap();
        assert_eq!(command.events, std::slice::from_ref(event));
    }
    appended(store.append(append_at(&b, 1)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_one_batch_a_conflict_fails_alone() {
    let schema = Schema::new();
    let store = Arc::new(schema.connect_events().await);
    let mut other = connect().await;
    let held = hold(&mut other, &schema).await;
    let shared = stream("shared");
    // The first goes by itself; the others wait for it together.
    let mut first = store.append(append(&stream("first")));
    assert!(poll_once(&mut first).is_pending());
    soon(until_held(&schema)).await;
    let mut appends: Vec<_> = (0..10)
        .flat_map(|at| {
            let own = stream(&at.to_string());
            [store.append(append_at(&shared, 0)), store.append(append_at(&own, 0))]
        })
        .collect();
    for append in &mut appends {
        assert!(poll_once(append).is_pending());
    }
    held.rollback().await.unwrap();
    appended(first.await);
    let mut won = 0;
    for (at, append) in appends.into_iter().enumerate() {
        match append.await {
            Ok(_) => won += 1,
            Err(AppendError::Conflict { stream, expected, actual }) => {
                assert_eq!((stream, expected.get(), actual.get()), (shared.clone(), 0, 1), "append {at}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(won, 11);
    assert_eq!(whole_log(&*store).await.len(), 12);
}

#[tokio::test]
async fn in_one_batch_what_follows_on_its_predecessor_goes_in() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let stream = stream("a");
    let mut appends: Vec<_> = (0..50).map(|version| store.append(append_at(&stream, version))).collect();
    for append in &mut appends {
        assert!(poll_once(append).is_pending());
    }
    for (version, append) in appends.into_iter().enumerate() {
        assert_eq!(appended(soon(append).await).events[0].version.get(), version as u64 + 1);
    }
}

#[tokio::test]
async fn in_one_batch_what_the_database_can_not_hold_fails_alone() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let mut bad = append(&stream("bad"));
    bad.events.push(event(&stream("bad")));
    // A store takes what claims to be JSON at its word.
    bad.events[1].data = Json::from_store("{\"a\":");
    let mut appends: Vec<_> =
        (0..10).map(|id| store.append(append_at(&stream(&id.to_string()), 0))).collect();
    appends.insert(5, store.append(bad));
    for append in &mut appends {
        assert!(poll_once(append).is_pending());
    }
    for (at, append) in appends.into_iter().enumerate() {
        match soon(append).await {
            Ok(_) => assert_ne!(at, 5),
            Err(error) => {
                assert_eq!(at, 5, "{error:?}");
                assert!(matches!(error, AppendError::Store(Error::Invalid { .. })), "{error:?}");
            }
        }
    }
    assert_eq!(whole_log(&store).await.len(), 10);
}

#[tokio::test]
async fn a_character_that_postgresql_can_not_hold_is_refused_by_name() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let mut name = append(&stream("a"));
    name.events[0].name = "a\0b".into();
    let mut answer = append(&stream("a"));
    answer.command.as_mut().unwrap().answer = Some("\0".to_owned());
    for append in [name, answer] {
        let error = store.append(append).await.unwrap_err();
        assert!(matches!(error, AppendError::Store(Error::Invalid { .. })), "{error:?}");
        assert!(error.to_string().contains("U+0000"), "{error}");
    }
}

#[tokio::test]
async fn an_append_that_another_process_keeps_waiting_gives_up_for_now() {
    let schema = Schema::new();
    let options = schema.events().lock_timeout(Some(Duration::from_millis(50)));
    let store = options.connect(&crate::server::url()).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    let mut other = connect().await;
    let held = hold(&mut other, &schema).await;
    let start = Instant::now();
    let error = store.append(append(&stream("a"))).await.unwrap_err();
    assert!(matches!(error, AppendError::Store(Error::Unavailable { .. })), "{error:?}");
    assert!(error.is_retryable());
    assert!(start.elapsed() < Duration::from_secs(5), "it did not give up in time");
    assert_eq!(whole_log(&store).await.len(), 1, "readers wait for nobody");
    held.rollback().await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    assert_eq!(whole_log(&store).await.len(), 2);
}
