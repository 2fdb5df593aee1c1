//! Which files are opened, and how.

use std::{fs, path::Path};

use cqrs_core::store::{Error, EventStore};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use rusqlite::Connection;

use crate::sample::{append, appended, fresh_path, stream, whole_log};

async fn refusals(path: &Path) -> [Error; 2] {
    [SqliteEventStore::open(path).await.unwrap_err(), SqliteViewStore::open(path).await.unwrap_err()]
}

#[track_caller]
fn assert_refused(error: &Error, path: &Path, why: &str) {
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()) && text.contains(why), "{text}");
}

#[tokio::test]
async fn what_is_no_sqlite_file_is_refused_by_name_and_left_as_it_is() {
    let (_folder, path) = fresh_path();
    let text = "a letter to a friend, and by no means a database\n".repeat(100);
    fs::write(&path, &text).unwrap();
    for error in refusals(&path).await {
        assert_refused(&error, &path, "is not an SQLite file");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_is_refused_by_name() {
    let (folder, _) = fresh_path();
    for error in refusals(folder.path()).await {
        assert_refused(&error, folder.path(), "is a folder");
    }
}

#[tokio::test]
async fn a_path_below_a_file_is_refused_by_name() {
    let (_folder, path) = fresh_path();
    fs::write(&path, "").unwrap();
    for error in refusals(&path.join("store.db")).await {
        assert_refused(&error, &path, "can't be created");
    }
}

#[tokio::test]
async fn a_store_in_memory_is_not_what_these_are_for() {
    for path in ["", ":memory:"] {
        for error in refusals(Path::new(path)).await {
            assert_refused(&error, Path::new(path), "cqrs_core::memory");
        }
    }
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_as_it_is() {
    let (_folder, path) = fresh_path();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    for error in refusals(&path).await {
        assert_refused(&error, &path, "application id");
    }
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_log_is_no_view_store_and_the_other_way_round() {
    let (_folder, path) = fresh_path();
    drop(SqliteEventStore::open(&path).await.unwrap());
    assert_refused(&SqliteViewStore::open(&path).await.unwrap_err(), &path, "is not a store of views");
    let (_folder, path) = fresh_path();
    drop(SqliteViewStore::open(&path).await.unwrap());
    assert_refused(&SqliteEventStore::open(&path).await.unwrap_err(), &path, "is not a log of events");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let (_folder, path) = fresh_path();
    drop(SqliteEventStore::open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = SqliteEventStore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 7, known: 1 }), "{error:?}");

    let (_folder, path) = fresh_path();
    drop(SqliteViewStore::open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = SqliteViewStore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 7, known: 1 }), "{error:?}");
}

#[tokio::test]
async fn missing_folders_are_created() {
    let (folder, _) = fresh_path();
    let path = folder.path().join("not/yet/there.db");
    let store = SqliteEventStore::open(&path).await.unwrap();
    assert_eq!(store.path(), path);
    assert!(path.is_file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_many_that_open_a_new_file_at_once_all_find_the_same_log() {
    let (_folder, path) = fresh_path();
    let opening: Vec<_> = (0..16)
        .map(|at| {
            let path = path.clone();
            tokio::spawn(async move {
                let store = SqliteEventStore::open(path).await.unwrap();
                appended(store.append(append(&stream(&at.to_string()))).await);
                store
            })
        })
        .collect();
    let mut ids = Vec::new();
    for store in opening {
        ids.push(store.await.unwrap().log_id());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(whole_log(&SqliteEventStore::open(&path).await.unwrap()).await.len(), 16);
}

#[tokio::test]
async fn an_event_that_is_no_longer_what_was_written_is_reported_as_damage() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    Connection::open(&path)
        .unwrap()
        .execute_batch("DROP TRIGGER events_are_never_changed; UPDATE events SET metadata = 'x'")
        .unwrap();
    let error =
        store.read_stream(&stream("a"), cqrs_core::store::StreamRead::Before(None), 1).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }) && !error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("while it reads a stream"), "{error}");
}
