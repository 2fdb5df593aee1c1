//! Connections that are lost, and servers that do not answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::store::{CommitError, Error, ViewStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::sync::watch;

use super::sample::{all, commit, keys, position, put, spec, text};
use crate::{
    proxy::{Mode, Proxy},
    server::{Schema, connect, soon, url_with},
};

/// Short enough to wait for.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Ends the store's connections that fit, and says how many.
async fn end(superuser: &mut PgConnection, schema: &Schema, which: &str) -> i64 {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{}' AND {which}",
        schema.0
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(superuser).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_ended_under_load_never_part_documents_from_their_checkpoint() {
    const BATCHES: u64 = 400;
    let schema = Schema::new();
    let store = schema.views().connect(&url_with(&format!("application_name={}", schema.0))).await.unwrap();
    let spec = spec("orders", &["customer"]);
    store.prepare(&spec).await.unwrap();
    let written = watch::Sender::new(0_u64);

    let ending = tokio::spawn({
        let (schema, mut written) = (Arc::clone(&schema), written.subscribe());
        async move {
            let (mut superuser, mut ended) = (connect().await, 0);
            for next in (5..BATCHES).step_by(7) {
                written.wait_for(|written| *written >= next).await.unwrap();
                ended += end(&mut superuser, &schema, "TRUE").await;
            }
            ended
        }
    });
    let looking = tokio::spawn({
        let (schema, written) = (Arc::clone(&schema), written.subscribe());
        async move {
            let (mut observer, mut looks) = (connect().await, 0);
            let apart = format!(
                "SELECT count(*) FROM \"{0}\".orders_v1, \"{0}\".projections WHERE applied <> position",
                schema.0
            );
            while *written.borrow() < BATCHES {
                let row = sqlx::raw_sql(AssertSqlSafe(apart.clone())).fetch_one(&mut observer).await.unwrap();
                assert_eq!(row.get::<i64, _>(0), 0, "documents and checkpoint are apart");
                looks += 1;
            }
            looks
        }
    });
    let mut at = 0;
    while at < BATCHES {
        let documents = ["a", "b", "c"].map(|key| put(key, at + 1, &[text("ada")])).to_vec();
        match soon(store.commit(&spec.id, commit(at, at + 1, documents))).await {
            Ok(()) => {}
            // The answer was lost, and the batch was not.
            Err(CommitError::Superseded { actual, .. }) => assert_eq!(actual.get(), at + 1),
            Err(other) => panic!("a lost connection is replaced, but: {other:?}"),
        }
        at += 1;
        assert_eq!(position(&store, &spec.id).await, at);
        written.send_replace(at);
    }
    assert!(ending.await.unwrap() > 40, "hardly any connection was ended");
    assert!(looking.await.unwrap() > 40, "hardly a look was taken");
    assert_eq!(keys(&store, &spec.id, &all()).await, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_whose_connection_ends_half_way_is_written_on_another_one() {
    let schema = Schema::new();
    let url = url_with(&format!("application_name={}", schema.0));
    let store = Arc::new(schema.views().connect(&url).await.unwrap());
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    store.commit(&spec.id, commit(0, 1, vec![put("a", 1, &[]), put("b", 1, &[])])).await.unwrap();
    let (mut other, mut superuser) = (connect().await, connect().await);
    let mut holding = other.begin().await.unwrap();
    let hold = format!("SELECT FROM \"{}\".orders_v1 WHERE key = 'b' FOR UPDATE", schema.0);
    sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut *holding).await.unwrap();
    let writing = tokio::spawn({
        let (store, id) = (Arc::clone(&store), spec.id.clone());
        async move { store.commit(&id, commit(1, 2, vec![put("a", 2, &[]), put("b", 2, &[])])).await }
    });
    // By now it has moved the checkpoint and written the first document.
    soon(async {
        while end(&mut superuser, &schema, "wait_event_type = 'Lock'").await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(position(&*store, &spec.id).await, 1);
    holding.rollback().await.unwrap();
    soon(writing).await.unwrap().unwrap();
    assert_eq!(position(&*store, &spec.id).await, 2);
    let loaded = store.load(&spec.id, &["a".to_owned(), "b".to_owned()]).await.unwrap();
    assert!(loaded.iter().all(|document| document.applied.get() == 2), "{loaded:?}");
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_not_written_twice() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let direct = schema.connect_views().await;
    let store = Arc::new(schema.views().connect(&proxy.url()).await.unwrap());
    let spec = spec("orders", &[]);
    direct.prepare(&spec).await.unwrap();
    store.prepare(&spec).await.unwrap();
    let mut news = direct.watch(&spec.id);
    // From now on the connection knows the statement.
    store.commit(&spec.id, commit(0, 1, vec![put("a", 1, &[])])).await.unwrap();
    proxy.set(Mode::Deaf);
    let writing = tokio::spawn({
        let (store, id) = (Arc::clone(&store), spec.id.clone());
        async move { store.commit(&id, commit(1, 2, vec![put("a", 2, &[])])).await }
    });
    soon(news.wait_for(|known| known.is_some_and(|known| known.position.get() == 2))).await.unwrap();
    // Somebody else comes next, and the store does not know of either.
    direct.commit(&spec.id, commit(2, 3, vec![put("a", 3, &[])])).await.unwrap();
    proxy.cut().await;
    proxy.set(Mode::Open);
    let lost = soon(writing).await.unwrap().unwrap_err();
    assert!(matches!(lost, CommitError::Superseded { actual, .. } if actual.get() == 3), "{lost:?}");
    let read = store.get(&spec.id, "a").await.unwrap();
    assert_eq!(read.value.unwrap().applied.get(), 3);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_in_time() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let store = schema.views().timeout(TIMEOUT).connect(&proxy.url()).await.unwrap();
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    for mode in [Mode::Frozen, Mode::Cut] {
        proxy.set(mode);
        let started = Instant::now();
        let error = store.get(&spec.id, "a").await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        let error = store.commit(&spec.id, commit(0, 1, Vec::new())).await.unwrap_err();
        assert!(matches!(&error, CommitError::Store(error) if error.is_retryable()), "{error:?}");
        assert!(started.elapsed() < 20 * TIMEOUT, "{:?}", started.elapsed());
        proxy.set(Mode::Open);
        assert_eq!(position(&store, &spec.id).await, 0);
    }
    store.commit(&spec.id, commit(0, 1, Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_not_waited_for() {
    let schema = Schema::new();
    let store = schema.views().lock_timeout(Some(Duration::from_millis(100)));
    let store = store.connect(&crate::server::url()).await.unwrap();
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    let mut other = connect().await;
    let mut holding = other.begin().await.unwrap();
    let hold = format!("SELECT FROM \"{}\".projections FOR UPDATE", schema.0);
    sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut *holding).await.unwrap();
    let error = soon(store.commit(&spec.id, commit(0, 1, Vec::new()))).await.unwrap_err();
    assert!(matches!(&error, CommitError::Store(Error::Unavailable { .. })), "{error:?}");
    holding.rollback().await.unwrap();
    store.commit(&spec.id, commit(0, 1, Vec::new())).await.unwrap();
}

#[tokio::test]
async fn what_is_shown_of_a_store_holds_no_url() {
    let schema = Schema::new();
    let options = schema.views().listen_url("postgres://me:geheim@localhost/x");
    assert!(!format!("{options:?}").contains("geheim"));
    let shown = format!("{:?}", schema.connect_views().await);
    assert!(shown.starts_with("PostgresViewStore { schema:") && !shown.contains("postgres://"), "{shown}");
}
