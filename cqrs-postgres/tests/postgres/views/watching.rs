//! How a process learns of what others write.

use std::{sync::Arc, time::Duration};

use cqrs_core::store::{Checkpoint, ProjectionId, ViewStore};
use cqrs_postgres::ViewStoreOptions;
use sqlx::Row as _;
use tokio::sync::watch;

use super::sample::{commit, spec};
use crate::server::{Schema, connect, run, soon, url};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);

async fn told_of(news: &mut watch::Receiver<Option<Checkpoint>>, position: u64) {
    let there = |at: &Option<Checkpoint>| at.is_some_and(|at| at.position.get() == position);
    soon(news.wait_for(there)).await.unwrap();
}

async fn advance(store: &dyn ViewStore, id: &ProjectionId, from: u64) -> u64 {
    store.commit(id, commit(from, from + 1, Vec::new())).await.unwrap();
    from + 1
}

async fn is_told(schema: &Schema, options: ViewStoreOptions) {
    let (store, other) = (options.connect(&url()).await.unwrap(), schema.connect_views().await);
    let ids = [spec("orders", &[]), spec("customers \"'", &[])];
    for spec in &ids {
        other.prepare(spec).await.unwrap();
    }
    let mut at = super::sample::position(&other, &ids[0].id).await;
    for _ in 0..3 {
        let mut news = ids.each_ref().map(|spec| store.watch(&spec.id));
        for _ in 0..3 {
            for spec in &ids {
                advance(&other, &spec.id, at).await;
            }
            at += 1;
            for news in &mut news {
                told_of(news, at).await;
            }
        }
        // Without watchers the watching ends, and begins again with the next one.
    }
}

#[tokio::test]
async fn notifications_tell_without_a_look() {
    let schema = Schema::new();
    is_told(&schema, schema.views().poll_interval(NEVER)).await;
}

#[tokio::test]
async fn notifications_may_come_by_another_url() {
    let schema = Schema::new();
    is_told(&schema, schema.views().poll_interval(NEVER).pgbouncer(true).listen_url(url())).await;
}

#[tokio::test]
async fn without_notifications_a_look_tells() {
    let schema = Schema::new();
    is_told(&schema, schema.views().listen(false)).await;
    is_told(&schema, schema.views().pgbouncer(true).poll_interval(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn one_connection_listens_for_all_projections_and_is_replaced_when_it_ends() {
    let schema = Schema::new();
    let other = schema.connect_views().await;
    let store = schema.views().poll_interval(NEVER).connect(&url()).await.unwrap();
    let specs = ["a", "b", "c"].map(|name| spec(name, &[]));
    let mut news = Vec::new();
    for spec in &specs {
        other.prepare(spec).await.unwrap();
        news.push(store.watch(&spec.id));
    }
    let mut superuser = connect().await;
    // What listens says so as its last statement.
    let listening = format!("LISTEN \"{}.progress\"", schema.0);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = $1";
    for at in 0..3 {
        for (spec, news) in specs.iter().zip(&mut news) {
            told_of(news, advance(&other, &spec.id, at).await).await;
        }
        let ended = soon(async {
            loop {
                let row = sqlx::query(end).bind(&listening).fetch_one(&mut superuser).await.unwrap();
                if let ended @ 1.. = row.get::<i64, _>(0) {
                    return ended;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(ended.await, 1);
    }
    for (spec, news) in specs.iter().zip(&mut news) {
        told_of(news, advance(&other, &spec.id, 3).await).await;
    }
}

/// News come by several ways, and a look that began before them may end after them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_told_never_goes_back() {
    const BATCHES: u64 = 300;
    let schema = Schema::new();
    let store =
        Arc::new(schema.views().poll_interval(Duration::from_millis(1)).connect(&url()).await.unwrap());
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    let mut news = store.watch(&spec.id);
    let writing = tokio::spawn({
        let (store, id) = (Arc::clone(&store), spec.id.clone());
        async move {
            for at in 0..BATCHES {
                advance(&*store, &id, at).await;
            }
        }
    });
    let mut last = 0;
    while last < BATCHES {
        soon(news.changed()).await.unwrap();
        let told = news.borrow_and_update().map_or(0, |at| at.position.get());
        assert!(told >= last, "{told} was told after {last}");
        last = told;
    }
    writing.await.unwrap();
}

/// Somebody restores the views of last night.
#[tokio::test]
async fn views_that_were_put_back_are_told_as_they_are() {
    let schema = Schema::new();
    let store = schema.views().poll_interval(Duration::from_millis(5)).connect(&url()).await.unwrap();
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    let mut news = store.watch(&spec.id);
    for at in 0..5 {
        told_of(&mut news, advance(&store, &spec.id, at).await).await;
    }
    run(format!("UPDATE \"{}\".projections SET position = 2, revision = 2", schema.0)).await;
    told_of(&mut news, 2).await;
    told_of(&mut news, advance(&store, &spec.id, 2).await).await;
}
