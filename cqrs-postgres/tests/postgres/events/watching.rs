//! How a process learns of what others append.

use std::time::Duration;

use cqrs_core::store::EventStore;
use cqrs_postgres::EventStoreOptions;
use sqlx::{AssertSqlSafe, Row as _};

use super::sample::{append, appended, soon, stream};
use crate::{
    proxy::{Mode, Proxy},
    server::{Schema, connect, url},
};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);

async fn is_told(schema: &Schema, options: EventStoreOptions) {
    let (store, other) = (options.connect(&url()).await.unwrap(), schema.connect_events().await);
    for _ in 0..3 {
        let mut news = [store.watch(), store.watch()];
        for _ in 0..3 {
            let position = appended(other.append(append(&stream("a"))).await).position;
            for news in &mut news {
                soon(news.wait_for(|head| *head >= position)).await.unwrap();
            }
        }
        // Without watchers the watching ends, and begins again with the next one.
    }
}

#[tokio::test]
async fn notifications_tell_without_a_look() {
    let schema = Schema::new();
    is_told(&schema, schema.events().poll_interval(NEVER)).await;
}

#[tokio::test]
async fn notifications_may_come_by_another_url() {
    let schema = Schema::new();
    is_told(&schema, schema.events().poll_interval(NEVER).pgbouncer(true).listen_url(url())).await;
}

#[tokio::test]
async fn without_notifications_a_look_tells() {
    let schema = Schema::new();
    is_told(&schema, schema.events().listen(false)).await;
    is_told(&schema, schema.events().pgbouncer(true).poll_interval(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn a_store_listens_again_when_its_connection_was_ended() {
    let schema = Schema::new();
    let other = schema.connect_events().await;
    let store = schema.events().poll_interval(NEVER).connect(&url()).await.unwrap();
    let mut news = store.watch();
    let mut superuser = connect().await;
    // What listens says so as its last statement.
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = 'LISTEN \"{}.events\"'",
        schema.0
    );
    for _ in 0..3 {
        let position = appended(other.append(append(&stream("a"))).await).position;
        soon(news.wait_for(|head| *head >= position)).await.unwrap();
        soon(async {
            loop {
                let ended =
                    sqlx::raw_sql(AssertSqlSafe(end.clone())).fetch_one(&mut superuser).await.unwrap();
                if ended.get::<i64, _>(0) > 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    let position = appended(other.append(append(&stream("a"))).await).position;
    soon(news.wait_for(|head| *head >= position)).await.unwrap();
}

#[tokio::test]
async fn one_connection_listens_for_all_that_watch_and_ends_with_the_last() {
    let schema = Schema::new();
    let store = schema.events().poll_interval(Duration::from_millis(10)).connect(&url()).await.unwrap();
    let mut superuser = connect().await;
    let count =
        format!("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN \"{}.events\"%'", schema.0);
    let mut listening = async |wanted: i64| {
        soon(async {
            loop {
                let counted =
                    sqlx::raw_sql(AssertSqlSafe(count.clone())).fetch_one(&mut superuser).await.unwrap();
                if counted.get::<i64, _>(0) == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    };
    listening(0).await;
    let watchers: Vec<_> = (0..10).map(|_| store.watch()).collect();
    let _ = (&watchers, appended(store.append(append(&stream("a"))).await));
    drop(watchers);
    listening(0).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_without_a_word_is_noticed_and_replaced() {
    let schema = Schema::new();
    let proxy = Proxy::new().await;
    let name = format!("listens_{}", schema.0);
    let listen_url = format!("{}&application_name={name}", proxy.url());
    let options =
        schema.events().poll_interval(Duration::from_millis(20)).timeout(Duration::from_millis(500));
    let store = options.listen_url(listen_url).connect(&url()).await.unwrap();
    let mut superuser = connect().await;
    let find = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{name}' AND query <> ''");
    let mut listens = async |not: Option<i32>| {
        soon(async {
            loop {
                let rows =
                    sqlx::raw_sql(AssertSqlSafe(find.clone())).fetch_all(&mut superuser).await.unwrap();
                let other = rows.iter().map(|row| row.get::<i32, _>(0)).find(|pid| Some(*pid) != not);
                if let Some(pid) = other {
                    return pid;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    };
    let mut news = store.watch();
    let first = listens(None).await;
    // Both sides keep their ends of it, and what is sent is lost.
    proxy.set(Mode::Frozen);
    soon(proxy.loses()).await;
    proxy.set(Mode::Open);
    let second = listens(Some(first)).await;
    assert_ne!(first, second);
    let position = appended(schema.connect_events().await.append(append(&stream("a"))).await).position;
    soon(news.wait_for(|head| *head >= position)).await.unwrap();
}

#[tokio::test]
async fn clones_are_handles_of_one_store() {
    let schema = Schema::new();
    let store = schema.events().poll_interval(NEVER).connect(&url()).await.unwrap();
    let clone = store.clone();
    let mut news = clone.watch();
    // What the store does in the background goes on as long as there is a handle.
    drop(store);
    let position = appended(schema.connect_events().await.append(append(&stream("a"))).await).position;
    soon(news.wait_for(|head| *head >= position)).await.unwrap();
    assert_eq!(clone.clone().head().await.unwrap(), position);
    let views = schema.connect_views().await;
    drop(views.clone());
}
