//! Several stores on one file, as several processes have them.

use std::{sync::Arc, time::Duration};

use cqrs_core::{
    domain::IndexSpec,
    envelope::{Position, Version},
    store::{AppendError, CommitError, Error, EventStore, ProjectionId, ProjectionSpec, ViewStore},
};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use rusqlite::Connection;

use crate::{
    sample::{append, append_at, appended, fresh_path, soon, stream, whole_log},
    views::{commit, put},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_on_one_file_append_at_once_and_leave_no_hole() {
    let (_folder, path) = fresh_path();
    let mut tasks = Vec::new();
    for of_store in 0..3 {
        let store = Arc::new(SqliteEventStore::open(&path).await.unwrap());
        for of_task in 0..4 {
            let store = Arc::clone(&store);
            tasks.push(tokio::spawn(async move {
                let stream = stream(&format!("{of_store}-{of_task}"));
                for version in 0..50 {
                    let appended = appended(store.append(append_at(&stream, version)).await);
                    assert_eq!(appended.events[0].version, Version::new(version + 1));
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let log = whole_log(&SqliteEventStore::open(&path).await.unwrap()).await;
    assert_eq!(log.len(), 600);
    assert!(log.is_sorted_by_key(|event| event.metadata.time), "recorded times go back");
}

#[tokio::test]
async fn watchers_see_what_other_stores_append_and_start_again_after_a_pause() {
    let (_folder, path) = fresh_path();
    let (mine, other) =
        (SqliteEventStore::open(&path).await.unwrap(), SqliteEventStore::open(&path).await.unwrap());
    for round in 1..=3 {
        let (mut first, mut second) = (mine.watch(), mine.watch());
        let position = appended(other.append(append(&stream("a"))).await).position;
        assert_eq!(position, Position::new(round));
        for watcher in [&mut first, &mut second] {
            assert_eq!(*soon(watcher.wait_for(|head| *head >= position)).await.unwrap(), position);
        }
    }
}

#[tokio::test]
async fn a_watcher_sees_what_was_committed_before_it_came() {
    let (_folder, path) = fresh_path();
    let (mine, other) =
        (SqliteEventStore::open(&path).await.unwrap(), SqliteEventStore::open(&path).await.unwrap());
    // The poller runs, and has seen the file as it is now.
    let mut first = mine.watch();
    appended(other.append(append(&stream("a"))).await);
    soon(first.wait_for(|head| *head == Position::new(1))).await.unwrap();
    drop(first);
    appended(other.append(append(&stream("a"))).await);
    soon(mine.watch().wait_for(|head| *head == Position::new(2))).await.unwrap();
}

#[tokio::test]
async fn watchers_see_the_batches_of_other_stores() {
    let (_folder, path) = fresh_path();
    let (mine, other) =
        (SqliteViewStore::open(&path).await.unwrap(), SqliteViewStore::open(&path).await.unwrap());
    let ids = ["a", "b", "c"].map(|name| ProjectionId::new(name, 1));
    let [mut a, mut b] = [mine.watch(&ids[0]), mine.watch(&ids[1])];
    for id in &ids {
        other.prepare(&ProjectionSpec { id: id.clone(), indexes: Vec::new(), fingerprint: 1 }).await.unwrap();
    }
    other.commit(&ids[0], commit(0, 5, vec![put("k", 5, &[])])).await.unwrap();
    let at = |position| {
        move |known: &Option<cqrs_core::store::Checkpoint>| {
            known.is_some_and(|known| known.position == Position::new(position))
        }
    };
    soon(a.wait_for(at(5))).await.unwrap();
    assert_eq!(*b.borrow_and_update(), None);
    other.commit(&ids[2], commit(0, 3, Vec::new())).await.unwrap();
    other.commit(&ids[1], commit(0, 7, Vec::new())).await.unwrap();
    soon(b.wait_for(at(7))).await.unwrap();
    // Nothing changes any more, and a new watcher learns what there is.
    soon(mine.watch(&ids[2]).wait_for(at(3))).await.unwrap();
    // One's own batches are told at once, and nothing older comes after them.
    mine.commit(&ids[0], commit(5, 9, Vec::new())).await.unwrap();
    assert!(at(9)(&a.borrow_and_update()));
}

#[tokio::test]
async fn a_writer_that_another_process_keeps_waiting_gives_up_for_now() {
    let (_folder, path) = fresh_path();
    let store =
        SqliteEventStore::options().busy_timeout(Duration::from_millis(20)).open(&path).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.append(append(&stream("a"))).await.unwrap_err();
    assert!(matches!(error, AppendError::Store(Error::Unavailable { .. })), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(whole_log(&store).await.len(), 1, "readers wait for no writer");
    other.execute_batch("COMMIT").unwrap();
    appended(store.append(append(&stream("a"))).await);
}

#[tokio::test]
async fn a_program_that_declares_an_index_less_gets_along_with_one_that_still_has_it() {
    let (_folder, path) = fresh_path();
    let (old, new) =
        (SqliteViewStore::open(&path).await.unwrap(), SqliteViewStore::open(&path).await.unwrap());
    let id = ProjectionId::new("orders", 1);
    let (a, b) = (IndexSpec::new("a"), IndexSpec::new("b"));
    let spec =
        |indexes: &[IndexSpec]| ProjectionSpec { id: id.clone(), indexes: indexes.to_vec(), fingerprint: 1 };
    old.prepare(&spec(&[a, b])).await.unwrap();
    old.commit(&id, commit(0, 1, vec![put("one", 1, &["a1", "b1"])])).await.unwrap();
    new.prepare(&spec(&[b])).await.unwrap();
    old.commit(&id, commit(1, 2, vec![put("two", 2, &["a2", "b2"])])).await.unwrap();
    new.commit(&id, commit(2, 3, vec![put("three", 3, &["b3"])])).await.unwrap();
    let values: Vec<String> = Connection::open(&path)
        .unwrap()
        .prepare("SELECT index_b FROM view_orders_v1 ORDER BY created")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(values, ["b1", "b2", "b3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_build_that_another_process_removes_is_gone_for_its_writer_and_its_watchers() {
    let (_folder, path) = fresh_path();
    let (mine, other) =
        (SqliteViewStore::open(&path).await.unwrap(), SqliteViewStore::open(&path).await.unwrap());
    let id = ProjectionId::new("orders", 1).generation(3);
    let spec = ProjectionSpec { id: id.clone(), indexes: Vec::new(), fingerprint: 1 };
    let mut news = mine.watch(&id);
    for round in 0..10 {
        mine.prepare(&spec).await.unwrap();
        let writing = tokio::spawn({
            let (mine, id) = (mine.clone(), id.clone());
            async move {
                for at in 0.. {
                    let written = mine.commit(&id, commit(at, at + 1, vec![put("k", at + 1, &[])])).await;
                    if let Err(error) = written {
                        return error;
                    }
                }
                unreachable!("it writes until it can't")
            }
        });
        soon(news.wait_for(|known| known.is_some_and(|known| known.position.get() > round))).await.unwrap();
        other.remove(&id).await.unwrap();
        let error = soon(writing).await.unwrap();
        assert!(matches!(&error, CommitError::Store(Error::Invalid { .. })), "{error:?}");
        soon(news.wait_for(Option::is_none)).await.unwrap();
        assert_eq!(mine.builds("orders").await.unwrap(), []);
    }
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'view%'";
    let left: u32 = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "tables or indexes of the removed build are left");
}
