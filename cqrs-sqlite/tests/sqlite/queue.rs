//! How appends wait for each other.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use cqrs_core::store::{AppendError, EventStore, SnapshotStore};
use cqrs_sqlite::{SqliteEventStore, Synchronous};
use rusqlite::Connection;

use crate::sample::{append, append_at, appended, fresh_path, soon, stream, whole_log};

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn no_more_appends_wait_than_the_queue_takes() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::options().queue(3).open(&path).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let stream = stream("a");
    let mut waiting = Vec::new();
    // One or more are with the writer already, and no longer in the queue.
    let error = loop {
        let mut next = store.append(append(&stream));
        match poll_once(&mut next) {
            Poll::Pending => waiting.push(next),
            Poll::Ready(Err(error)) => break error,
            Poll::Ready(Ok(outcome)) => panic!("appended while another process writes: {outcome:?}"),
        }
        assert!(waiting.len() < 100, "the queue has no bound");
    };
    assert!(matches!(error, AppendError::Busy { limit: 3 }), "{error:?}");
    assert!(error.is_retryable());
    other.execute_batch("COMMIT").unwrap();
    for next in &mut waiting {
        appended(soon(next).await);
    }
    assert_eq!(whole_log(&store).await.len(), waiting.len());
}

#[tokio::test]
async fn an_append_that_nobody_polls_any_more_holds_nobody_up() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
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
async fn an_append_that_is_dropped_while_it_waits_is_not_made() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (a, b) = (stream("a"), stream("b"));
    let mut first = store.append(append(&a));
    assert!(poll_once(&mut first).is_pending());
    let mut dropped = store.append(append(&a));
    assert!(poll_once(&mut dropped).is_pending());
    let mut last = store.append(append(&b));
    assert!(poll_once(&mut last).is_pending());
    drop(dropped);
    other.execute_batch("COMMIT").unwrap();
    appended(first.await);
    appended(last.await);
    // Either the dropped one was never in a transaction, or it was there whole.
    let log = whole_log(&store).await;
    for event in &log {
        let command = store.command(event.metadata.command_id).await.unwrap().unwrap();
        assert_eq!(command.events, std::slice::from_ref(event));
    }
    appended(store.append(append_at(&b, 1)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_one_commit_a_conflict_fails_alone() {
    let (_folder, path) = fresh_path();
    let store = Arc::new(SqliteEventStore::open(&path).await.unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let shared = stream("shared");
    let mut appends: Vec<_> = (0..10)
        .flat_map(|at| {
            let own = stream(&at.to_string());
            [store.append(append_at(&shared, 0)), store.append(append_at(&own, 0))]
        })
        .collect();
    for append in &mut appends {
        assert!(poll_once(append).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
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
    assert_eq!(whole_log(&*store).await.len(), 11);
}

#[test]
fn a_store_serves_runtimes_of_every_kind_one_after_the_other() {
    let (_folder, path) = fresh_path();
    let single = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = single()
        .block_on(SqliteEventStore::options().synchronous(Synchronous::Normal).readers(0).open(&path))
        .unwrap();
    let work = async |version: u64| {
        appended(store.append(append_at(&stream("a"), version)).await);
        store.drop_snapshots("order").await.unwrap();
        assert_eq!(whole_log(&store).await.len() as u64, version + 1);
    };
    single().block_on(work(0));
    single().block_on(tokio::task::LocalSet::new().run_until(work(1)));
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    several.block_on(work(2));
    several.block_on(tokio::task::LocalSet::new().run_until(work(3)));
}

#[tokio::test]
async fn a_store_ends_although_appends_that_nobody_waits_for_are_left() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in ["a", "b", "c"] {
        assert!(poll_once(&mut store.append(append(&stream(id)))).is_pending());
    }
    let ending = tokio::task::spawn_blocking(move || drop(store));
    other.execute_batch("COMMIT").unwrap();
    soon(ending).await.unwrap();
}
