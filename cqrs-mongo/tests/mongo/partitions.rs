//! Each partition of a build has a gate of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use cqrs_core::store::{CommitError, Partition, ProjectionSpec, ViewStore};
use cqrs_mongo::{
    MongoViewStore, Transactions,
    mongodb::bson::{Document, doc},
};
use cqrs_testkit::tokio;

use crate::{
    fencing::{documents, fenced, through},
    proxy::{Fate, Proxy, is},
    sample::{batch, letter, put, remove, soon, spec},
    scratch::{Scratch, server},
};

/// A build, and its two partitions.
fn divided() -> [ProjectionSpec; 3] {
    let whole = spec("orders", &[]);
    let partition = |index| {
        let partition = Partition::new(index, 2).unwrap();
        ProjectionSpec { id: whole.id.partition(partition), ..whole.clone() }
    };
    [whole.clone(), partition(0), partition(1)]
}

/// What happens while a batch is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    TheOtherIsTakenOver,
    ItIsTakenOver,
    ItIsRemoved,
    ItIsRemovedAndPreparedAgain,
}

#[tokio::test]
async fn documents_that_come_late_are_kept_out_by_the_gate_of_their_partition_alone() {
    for meanwhile in [
        Meanwhile::TheOtherIsTakenOver,
        Meanwhile::ItIsTakenOver,
        Meanwhile::ItIsRemoved,
        Meanwhile::ItIsRemovedAndPreparedAgain,
    ] {
        let scratch = Scratch::new();
        let [whole, own, other] = divided();
        let store = scratch.store(MongoViewStore::options()).await;
        for spec in [&whole, &own, &other] {
            store.prepare(spec).await.unwrap();
        }
        let first = batch(0, 5, vec![put("a", 2, &[]), put("gone", 2, &[])]);
        store.commit(&own.id, fenced(1, first)).await.unwrap();
        let before = documents(&scratch).await;
        assert_eq!(before.len(), 2);
        let mut proxy = Proxy::before(&server()).await;
        let late = through(&proxy, &scratch, Transactions::Never).await;
        proxy.rule(|message| if is(message, "update", "orders_v1") { Fate::Hold } else { Fate::Pass });
        let commit = batch(5, 8, vec![put("a", 7, &[]), remove("gone", 7), put("new", 8, &[])]);
        let id = own.id.clone();
        let writing = tokio::spawn(async move { late.commit(&id, fenced(1, commit)).await });
        soon(proxy.holds()).await;
        match meanwhile {
            Meanwhile::TheOtherIsTakenOver => {
                store.commit(&other.id, fenced(9, batch(0, 0, Vec::new()))).await.unwrap();
                store.commit(&whole.id, fenced(9, batch(0, 0, Vec::new()))).await.unwrap();
            }
            Meanwhile::ItIsTakenOver => {
                store.commit(&own.id, fenced(2, batch(5, 5, Vec::new()))).await.unwrap();
            }
            Meanwhile::ItIsRemoved => store.remove(&own.id).await.unwrap(),
            Meanwhile::ItIsRemovedAndPreparedAgain => {
                store.remove(&own.id).await.unwrap();
                store.prepare(&own).await.unwrap();
            }
        }
        proxy.rule(|_| Fate::Pass);
        let written = soon(writing).await.unwrap();
        if meanwhile == Meanwhile::TheOtherIsTakenOver {
            written.unwrap();
            assert_eq!(store.get(&own.id, "a").await.unwrap().value.unwrap().applied.get(), 7);
            continue;
        }
        match written {
            Err(CommitError::Fenced { fence: 1, newest: 2, .. }) => {
                assert_eq!(meanwhile, Meanwhile::ItIsTakenOver);
            }
            Err(CommitError::Store(_) | CommitError::Superseded { .. }) => {
                assert_ne!(meanwhile, Meanwhile::ItIsTakenOver);
            }
            other => panic!("{meanwhile:?}: {other:?}"),
        }
        assert_eq!(documents(&scratch).await, before, "{meanwhile:?}: it has written");
    }
}

#[tokio::test]
async fn a_removal_that_was_interrupted_anywhere_takes_the_partitions_with_it_when_it_is_completed() {
    for (command, collection, nth) in [
        ("update", "_cqrs_checkpoints", 1),
        ("drop", "orders_v1", 0),
        ("delete", "_cqrs_dead_letters", 0),
        ("delete", "_cqrs_checkpoints", 0),
        ("delete", "_cqrs_dead_letters", 2),
        ("delete", "_cqrs_checkpoints", 2),
    ] {
        let scratch = Scratch::new();
        let proxy = Proxy::before(&server()).await;
        let store = through(&proxy, &scratch, Transactions::Never).await;
        let all = divided();
        for spec in &all {
            store.prepare(spec).await.unwrap();
            let mut first = batch(0, 5, vec![put(&spec.id.partition.to_string(), 2, &[])]);
            first.parked = vec![letter(3, "b")];
            store.commit(&spec.id, first).await.unwrap();
        }
        let (named, seen) = (format!("{collection}\0"), AtomicUsize::new(0));
        proxy.rule(move |message| {
            let cut = is(message, command, &named) && seen.fetch_add(1, Ordering::SeqCst) >= nth;
            if cut { Fate::Cut } else { Fate::Pass }
        });
        let step = format!("{command} {collection}, after {nth}");
        soon(store.remove(&all[0].id)).await.expect_err(&step);
        proxy.rule(|_| Fate::Pass);
        let builds = store.builds("orders").await.unwrap();
        assert_eq!(builds[0].id, all[0].id, "{step}");
        assert_eq!(builds[0].checkpoint, None, "{step}");
        let error = store.prepare(&all[1]).await.expect_err("its build is being removed");
        assert!(error.is_retryable(), "{step}: {error:?}");
        store.remove(&all[0].id).await.unwrap();
        let database = scratch.database().await;
        let mut names = database.list_collection_names().await.unwrap();
        names.retain(|name| name.starts_with("orders"));
        assert_eq!(names, Vec::<String>::new(), "{step}");
        for own in ["_cqrs_checkpoints", "_cqrs_dead_letters"] {
            let left = database.collection::<Document>(own).count_documents(doc! {}).await.unwrap();
            assert_eq!(left, 0, "{own} after {step}");
        }
        for spec in &all {
            store.prepare(spec).await.unwrap();
            store.commit(&spec.id, batch(0, 5, vec![put("a", 2, &[])])).await.unwrap();
        }
    }
}

#[tokio::test]
async fn gates_are_no_documents() {
    let scratch = Scratch::new();
    let store = scratch.store(MongoViewStore::options()).await;
    let all = divided();
    for spec in &all {
        store.prepare(spec).await.unwrap();
        store.commit(&spec.id, fenced(1, batch(0, 1, Vec::new()))).await.unwrap();
    }
    let database = scratch.database().await;
    let gates = database.collection::<Document>("orders_v1").count_documents(doc! {}).await.unwrap();
    assert_eq!(gates, 3);
    let live = database.collection::<Document>("orders_v1.live").count_documents(doc! {}).await.unwrap();
    assert_eq!(live, 0);
    store.remove(&all[1].id).await.unwrap();
    let gates = database.collection::<Document>("orders_v1").count_documents(doc! {}).await.unwrap();
    assert_eq!(gates, 2, "that of a partition goes with it");
}
