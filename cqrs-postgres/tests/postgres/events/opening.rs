//! How logs are made and found.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use cqrs_core::store::{Error, EventStore};
use cqrs_postgres::PostgresEventStore;

use super::sample::{append, append_at, appended, soon, stream, whole_log};
use crate::server::{Schema, run, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_stores_that_find_an_empty_database_make_one_log() {
    let schema = Schema::new();
    let opening: Vec<_> = (0..20)
        .map(|_| {
            let options = schema.events().connections(1);
            tokio::spawn(async move { options.connect(&url()).await })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opening {
        stores.push(soon(store).await.unwrap().unwrap());
    }
    for (version, store) in stores.iter().enumerate() {
        assert_eq!(store.log_id(), stores[0].log_id());
        appended(store.append(append_at(&stream("a"), version as u64)).await);
    }
    assert_eq!(whole_log(&stores[0]).await.len(), 20);
}

#[tokio::test]
async fn schemas_of_one_database_are_logs_of_their_own() {
    let (mine, other) = (Schema::new(), Schema::new());
    let (mine, other) = (mine.connect_events().await, other.connect_events().await);
    assert_ne!(mine.log_id(), other.log_id());
    let news = other.watch();
    appended(mine.append(append_at(&stream("a"), 0)).await);
    appended(other.append(append_at(&stream("a"), 0)).await);
    appended(mine.append(append_at(&stream("a"), 1)).await);
    assert_eq!(whole_log(&mine).await.len(), 2);
    assert_eq!(whole_log(&other).await.len(), 1);
    assert_eq!(news.borrow().get(), 1, "a watcher was told of another log");
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_refused_and_left_alone() {
    let schema = Schema::new();
    drop(schema.connect_events().await);
    run(format!("UPDATE \"{}\".format SET version = 99", schema.0)).await;
    for options in [schema.events(), schema.events().migrations(false)] {
        let error = options.connect(&url()).await.unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 99, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn without_migrations_a_log_has_to_be_there() {
    let schema = Schema::new();
    let error = schema.events().migrations(false).connect(&url()).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    assert!(error.to_string().contains("run its migrations first"), "{error}");
    schema.events().migrate(&url()).await.unwrap();
    let store = schema.events().migrations(false).connect(&url()).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
}

#[tokio::test]
async fn a_schema_with_foreign_tables_is_refused_and_left_alone() {
    let schema = Schema::new();
    let name = &schema.0;
    run(format!("CREATE SCHEMA \"{name}\"; CREATE TABLE \"{name}\".events (mine text)")).await;
    let error = schema.events().connect(&url()).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    assert!(error.to_string().contains("is used for something else"), "{error}");
    // Nothing of the log has been made.
    run(format!("CREATE TABLE \"{name}\".log (); CREATE TABLE \"{name}\".format ()")).await;
}

/// All that an error says, and what is below it.
fn told(error: &Error) -> String {
    let mut told = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        write!(told, " {error:?} {error}").unwrap();
        source = error.source();
    }
    told
}

#[tokio::test]
async fn a_password_is_shown_nowhere() {
    let options = PostgresEventStore::options()
        .timeout(Duration::from_millis(100))
        .listen_url("postgres://me:geheim@localhost:1/x");
    assert!(!format!("{options:?}").contains("geheim"));
    for url in [
        "postgres://me:geheim@127.0.0.1:1/x",
        "postgres://me:geheim@no.such.host.invalid/x",
        "postgres://me:geheim@127.0.0.1:99999/x",
        "postgres://me:geheim@127.0.0.1:1/x?sslmode=geheim",
        "postgres://me:geheim@/x?host=/nowhere",
        "mysql://me:geheim@127.0.0.1:1/x",
        "geheim",
    ] {
        let error = options.clone().connect(url).await.unwrap_err();
        assert!(!told(&error).contains("geheim") || url.contains("sslmode=geheim"), "{}", told(&error));
    }
    let schema = Schema::new();
    let options = schema.events().listen_url("geheim");
    assert!(!told(&options.connect(&url()).await.unwrap_err()).contains("geheim"));
    let store = schema.connect_events().await;
    let shown = format!("{store:?}");
    assert!(shown.starts_with("PostgresEventStore { schema:"), "{shown}");
    assert!(!shown.contains("postgres://"), "{shown}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_in_time() {
    let options = PostgresEventStore::options().timeout(Duration::from_millis(300));
    let error = soon(options.connect("postgres://me@127.0.0.1:1/x")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.is_retryable());
}
