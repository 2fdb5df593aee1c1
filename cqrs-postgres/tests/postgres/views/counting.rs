//! How many events are parked, whatever comes at the same time.

use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Position,
    store::{Commit, DeadLetter, ProjectionId, Sequence, ViewStore as _},
};
use cqrs_postgres::PostgresViewStore;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

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

    let mut resolving = commit(5, 5, Vec::new());
    let of = |key: &str| Sequence::Document(key.to_owned());
    resolving.resolved = vec![(of("a"), letter("a", 2).position), (of("b"), letter("b", 3).position)];
    let mut parking = commit(5, 5, Vec::new());
    parking.parked = vec![letter("c", 4), letter("c", 5), letter("d", 5)];
    for (batch, parked) in [(resolving, 1), (parking, 3)] {
        twice_at_once(&schema, &store, &spec.id, &batch).await;
        assert_eq!(store.checkpoint(&spec.id).await.unwrap().unwrap().parked, parked);
    }
    let left = store.dead_letters(&spec.id, None, Position::ZERO, 9).await.unwrap();
    assert_eq!(left, [letter("a", 3), letter("c", 4), letter("c", 5), letter("d", 5)]);
}

/// Both are begun before either is written.
async fn twice_at_once(schema: &Schema, store: &Arc<PostgresViewStore>, id: &ProjectionId, batch: &Commit) {
    let mut other = connect().await;
    let mut holding = other.begin().await.unwrap();
    let lock = format!("SELECT FROM \"{}\".projections FOR UPDATE", schema.0);
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *holding).await.unwrap();
    let writing: Vec<_> = (0..2)
        .map(|_| {
            let (store, id, batch) = (Arc::clone(store), id.clone(), batch.clone());
            tokio::spawn(async move { store.commit(&id, batch).await })
        })
        .collect();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    let mut observer = connect().await;
    let both_wait = async {
        while sqlx::query(waiting).bind(&schema.0).fetch_one(&mut observer).await.unwrap().get::<i64, _>(0)
            < 2
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(both_wait).await;
    holding.commit().await.unwrap();
    for task in writing {
        task.await.unwrap().unwrap();
    }
}

/// One that is resolved and parked again at once is parked.
#[tokio::test]
async fn what_a_batch_resolves_and_parks_stays_parked() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    for (at, attempts) in (0..).zip([0, 7, 7]) {
        let again = DeadLetter { attempts, ..letter("a", 2) };
        let mut batch = commit(at, at + 1, Vec::new());
        batch.resolved = vec![(again.sequence.clone(), again.position)];
        batch.parked = vec![again.clone()];
        store.commit(&spec.id, batch).await.unwrap();
        assert_eq!(store.dead_letters(&spec.id, None, Position::ZERO, 9).await.unwrap(), [again]);
        assert_eq!(store.checkpoint(&spec.id).await.unwrap().unwrap().parked, 1);
    }
}
