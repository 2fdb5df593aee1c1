//! How many events are parked, whatever comes at the same time.

use std::sync::Arc;

use cqrs_core::store::{Sequence, ViewStore as _};
use sqlx::{Connection as _, Row as _};

use super::sample::{commit, letter, spec};
use crate::server::{Schema, connect, soon, url_with};

/// An answer was lost, and the batch is sent again while the server still has the first one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_comes_twice_at_once_counts_once() {
    let schema = Schema::new();
    let url = url_with(&format!("application_name={}", schema.0));
    let store = Arc::new(schema.views().connect(&url).await.unwrap());
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    let mut parking = commit(0, 5, Vec::new());
    parking.parked = vec![letter("a", 2), letter("a", 3), letter("b", 3)];
    store.commit(&spec.id, parking).await.unwrap();

    let mut batch = commit(5, 5, Vec::new());
    let of = |key: &str| Sequence::Document(key.to_owned());
    batch.resolved = vec![(of("a"), letter("a", 2).position), (of("b"), letter("b", 3).position)];
    batch.parked = vec![letter("c", 4)];
    let mut other = connect().await;
    let mut holding = other.begin().await.unwrap();
    let lock = format!("SELECT FROM \"{}\".projections FOR UPDATE", schema.0);
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *holding).await.unwrap();
    let writing: Vec<_> = (0..2)
        .map(|_| {
            let (store, id, batch) = (Arc::clone(&store), spec.id.clone(), batch.clone());
            tokio::spawn(async move { store.commit(&id, batch).await })
        })
        .collect();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    let mut observer = connect().await;
    soon(async {
        while sqlx::query(waiting).bind(&schema.0).fetch_one(&mut observer).await.unwrap().get::<i64, _>(0)
            < 2
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    holding.commit().await.unwrap();
    for task in writing {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.checkpoint(&spec.id).await.unwrap().unwrap().parked, 2);
    assert_eq!(store.dead_letters(&spec.id, None, letter("a", 0).position, 9).await.unwrap().len(), 2);
}

/// One that is resolved and parked again at once is parked.
#[tokio::test]
async fn what_a_batch_resolves_and_parks_stays_parked() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    for (at, attempts) in (0..).zip([0, 7, 7]) {
        let again = cqrs_core::store::DeadLetter { attempts, ..letter("a", 2) };
        let mut batch = commit(at, at + 1, Vec::new());
        batch.resolved = vec![(again.sequence.clone(), again.position)];
        batch.parked = vec![again.clone()];
        store.commit(&spec.id, batch).await.unwrap();
        assert_eq!(store.dead_letters(&spec.id, None, letter("a", 0).position, 9).await.unwrap(), [again]);
        assert_eq!(store.checkpoint(&spec.id).await.unwrap().unwrap().parked, 1);
    }
}
