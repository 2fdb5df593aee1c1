//! Builds that are removed while others use them.

use std::{sync::Arc, time::Duration};

use cqrs_core::store::{CommitError, Error, ViewStore as _};
use cqrs_postgres::ViewStoreOptions;

use super::sample::{all, commit, keys, letter, put, spec, text};
use crate::server::{Schema, run, soon, url};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);

/// A writer goes on until it can't, and its watchers learn of the end, in each of several lives of one build.
async fn is_gone_for_all(schema: &Schema, options: ViewStoreOptions) {
    let (mine, other) = (Arc::new(options.connect(&url()).await.unwrap()), schema.connect_views().await);
    let mut spec = spec("orders", &["customer"]);
    spec.id = spec.id.generation(3);
    let mut news = mine.watch(&spec.id);
    for round in 0..5 {
        mine.prepare(&spec).await.unwrap();
        let writing = tokio::spawn({
            let (mine, id) = (Arc::clone(&mine), spec.id.clone());
            async move {
                for at in 0.. {
                    // With documents, with letters, with neither.
                    let mut batch = commit(at, at + 1, Vec::new());
                    match at % 3 {
                        0 => batch.documents = vec![put("k", at + 1, &[text("ada")])],
                        1 => batch.parked = vec![letter("k", at + 1)],
                        _ => {}
                    }
                    if let Err(error) = mine.commit(&id, batch).await {
                        return error;
                    }
                }
                unreachable!("it writes until it can't")
            }
        });
        soon(news.wait_for(|known| known.is_some_and(|known| known.position.get() > 5 + round)))
            .await
            .unwrap();
        other.remove(&spec.id).await.unwrap();
        let error = soon(writing).await.unwrap();
        assert!(
            matches!(&error, CommitError::Store(Error::Invalid { what }) if what.contains("never prepared")),
            "{error:?}"
        );
        soon(news.wait_for(Option::is_none)).await.unwrap();
        assert_eq!(mine.builds("orders").await.unwrap(), []);
        assert_eq!(mine.get(&spec.id, "k").await.unwrap().value, None);
        assert!(keys(&*mine, &spec.id, &all()).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_another_process_removes_is_gone_for_its_writer_and_its_watchers() {
    let schema = Schema::new();
    is_gone_for_all(&schema, schema.views().poll_interval(NEVER)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_finds_that_a_build_is_gone() {
    let schema = Schema::new();
    is_gone_for_all(&schema, schema.views().listen(false).poll_interval(Duration::from_millis(5))).await;
}

#[tokio::test]
async fn a_build_that_a_view_depends_on_stays_until_that_is_dropped() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    store.commit(&spec.id, commit(0, 1, vec![put("a", 1, &[])])).await.unwrap();
    run(format!("CREATE VIEW \"{0}\".mine AS SELECT key FROM \"{0}\".orders_v1", schema.0)).await;
    let error = store.remove(&spec.id).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    assert!(error.to_string().contains("drop what depends on it first"), "{error}");
    assert_eq!(keys(&store, &spec.id, &all()).await, ["a"]);
    run(format!("DROP VIEW \"{}\".mine", schema.0)).await;
    store.remove(&spec.id).await.unwrap();
    assert_eq!(store.builds("orders").await.unwrap(), []);
}
