//! Writers that go on after another one has taken the projection over, or has removed it.

use cqrs_core::{
    envelope::Position,
    store::{Commit, CommitError, Error, ViewStore},
};
use cqrs_mongo::{
    MongoViewStore, Transactions,
    mongodb::bson::{Document, doc},
};
use cqrs_testkit::tokio::{self, task::JoinHandle};

use crate::{
    proxy::{Fate, Proxy, is},
    sample::{batch, letter, put, remove, soon, spec},
    scratch::{Scratch, server},
};

pub(crate) fn fenced(fence: u64, mut commit: Commit) -> Commit {
    commit.checkpoint.fence = fence;
    commit
}

/// All documents of the collection, without the store's own.
pub(crate) async fn documents(scratch: &Scratch) -> Vec<Document> {
    let documents = scratch.database().await.collection::<Document>("orders_v1");
    let mut found = Vec::new();
    let mut cursor = documents.find(doc! { "_cqrs.fence": null }).sort(doc! { "_id": 1 }).await.unwrap();
    while cursor.advance().await.unwrap() {
        found.push(cursor.deserialize_current().unwrap());
    }
    found
}

pub(crate) async fn through(proxy: &Proxy, scratch: &Scratch, transactions: Transactions) -> MongoViewStore {
    let options = MongoViewStore::options().transactions(transactions);
    options.connect(&proxy.url(&scratch.name)).await.unwrap()
}

/// A projection with a few documents under the fencing number 1, and a batch under it whose documents are on their way.
async fn held_up(scratch: &Scratch) -> (MongoViewStore, Proxy, JoinHandle<Result<(), CommitError>>) {
    let orders = spec("orders", &[]);
    let store = scratch.store(MongoViewStore::options()).await;
    store.prepare(&orders).await.unwrap();
    let first = batch(0, 5, vec![put("a", 2, &[]), put("gone", 2, &[])]);
    store.commit(&orders.id, fenced(1, first)).await.unwrap();
    let mut proxy = Proxy::before(&server()).await;
    let late = through(&proxy, scratch, Transactions::Never).await;
    proxy.rule(|message| if is(message, "update", "orders_v1") { Fate::Hold } else { Fate::Pass });
    let mut commit = batch(5, 8, vec![put("a", 7, &[]), remove("gone", 7), put("new", 8, &[])]);
    commit.parked = vec![letter(8, "parked")];
    let writing = tokio::spawn(async move { late.commit(&orders.id, fenced(1, commit)).await });
    soon(proxy.holds()).await;
    (store, proxy, writing)
}

#[tokio::test]
async fn documents_that_come_after_another_has_taken_over_are_not_written() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let (_, proxy, writing) = held_up(&scratch).await;
        let before = documents(&scratch).await;
        assert_eq!(before.len(), 2);
        // The new owner's first batch need not write documents.
        let id = spec("orders", &[]).id;
        let next = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        next.commit(&id, fenced(2, batch(5, 5, Vec::new()))).await.unwrap();
        proxy.rule(|_| Fate::Pass);
        match soon(writing).await.unwrap() {
            Err(CommitError::Fenced { fence: 1, newest: 2, .. }) => {}
            other => panic!("{transactions:?}: it was to be told: {other:?}"),
        }
        assert_eq!(documents(&scratch).await, before, "{transactions:?}: it has written");
        assert_eq!(next.dead_letters(&id, None, Position::ZERO, 9).await.unwrap(), []);
        next.commit(&id, fenced(2, batch(5, 8, vec![put("a", 6, &[])]))).await.unwrap();
        assert_eq!(next.get(&id, "a").await.unwrap().value.unwrap().applied.get(), 6);
    }
}

#[tokio::test]
async fn a_checkpoint_that_comes_after_another_has_taken_over_is_not_written() {
    let modes = [Transactions::Never, Transactions::Always];
    for (transactions, again) in modes.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        let scratch = Scratch::new();
        let orders = spec("orders", &[]);
        let store = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        store.prepare(&orders).await.unwrap();
        store.commit(&orders.id, fenced(1, batch(0, 5, Vec::new()))).await.unwrap();
        let mut proxy = Proxy::before(&server()).await;
        let late = through(&proxy, &scratch, transactions).await;
        proxy
            .rule(|message| if is(message, "update", "_cqrs_checkpoints") { Fate::Hold } else { Fate::Pass });
        let id = orders.id.clone();
        let writing = tokio::spawn(async move { late.commit(&id, fenced(1, batch(5, 8, Vec::new()))).await });
        soon(proxy.holds()).await;
        // Neither moves the position on.
        let next = if again {
            store.remove(&orders.id).await.unwrap();
            store.prepare(&orders).await.unwrap();
            fenced(1, batch(0, 5, Vec::new()))
        } else {
            fenced(2, batch(5, 5, Vec::new()))
        };
        let expected = next.checkpoint;
        store.commit(&orders.id, next).await.unwrap();
        proxy.rule(|_| Fate::Pass);
        let written = soon(writing).await.unwrap();
        // What was folded on another build is refused, also at the position that it was made for.
        let told = match &written {
            Err(CommitError::Fenced { newest: 2, .. }) => !again,
            Err(CommitError::Store(error)) => again && error.is_retryable(),
            _ => false,
        };
        assert!(told, "{transactions:?}, built again: {again}: {written:?}");
        assert_eq!(store.checkpoint(&orders.id).await.unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn a_takeover_that_was_interrupted_keeps_older_writers_out_and_can_be_repeated() {
    let scratch = Scratch::new();
    let (store, late, writing) = held_up(&scratch).await;
    let before = documents(&scratch).await;
    let id = spec("orders", &[]).id;
    let proxy = Proxy::before(&server()).await;
    let next = through(&proxy, &scratch, Transactions::Never).await;
    proxy.rule(|message| if is(message, "update", "_cqrs_checkpoints") { Fate::Cut } else { Fate::Pass });
    let claim = fenced(2, batch(5, 5, Vec::new()));
    soon(next.commit(&id, claim.clone())).await.expect_err("the checkpoint was not written");
    assert_eq!(store.checkpoint(&id).await.unwrap().unwrap().fence, 1);
    late.rule(|_| Fate::Pass);
    let error = soon(writing).await.unwrap().expect_err("it is too late");
    assert!(matches!(error, CommitError::Fenced { fence: 1, newest: 2, .. }), "{error:?}");
    assert_eq!(documents(&scratch).await, before);
    proxy.rule(|_| Fate::Pass);
    soon(next.commit(&id, claim)).await.unwrap();
    next.commit(&id, fenced(2, batch(5, 9, vec![put("a", 9, &[])]))).await.unwrap();
}

#[tokio::test]
async fn documents_that_come_after_their_build_was_removed_are_not_written() {
    let orders = spec("orders", &[]);
    for again in [false, true] {
        let scratch = Scratch::new();
        let (store, proxy, writing) = held_up(&scratch).await;
        store.remove(&orders.id).await.unwrap();
        if again {
            store.prepare(&orders).await.unwrap();
        }
        proxy.rule(|_| Fate::Pass);
        let error = soon(writing).await.unwrap().expect_err("there is no such build any more");
        assert!(matches!(error, CommitError::Store(_) | CommitError::Superseded { .. }), "{error:?}");
        assert_eq!(documents(&scratch).await, Vec::<Document>::new(), "built again: {again}");
        assert_eq!(store.checkpoint(&orders.id).await.unwrap(), None);
        assert_eq!(store.builds("orders").await.unwrap().len(), usize::from(again));
        // What is built in its place has the same name and the same fencing number.
        store.prepare(&orders).await.unwrap();
        store.commit(&orders.id, fenced(1, batch(0, 1, vec![put("a", 1, &[])]))).await.unwrap();
        assert_eq!(documents(&scratch).await.len(), 1);
    }
}

#[tokio::test]
async fn a_removal_that_was_interrupted_anywhere_is_completed_by_another_one() {
    let orders = spec("orders", &[]);
    for (command, collection) in [
        ("update", "_cqrs_checkpoints"),
        ("drop", "orders_v1"),
        ("drop", "orders_v1.live"),
        ("delete", "_cqrs_dead_letters"),
        ("delete", "_cqrs_checkpoints"),
    ] {
        let scratch = Scratch::new();
        let proxy = Proxy::before(&server()).await;
        let store = through(&proxy, &scratch, Transactions::Never).await;
        store.prepare(&orders).await.unwrap();
        let mut first = batch(0, 5, vec![put("a", 2, &[])]);
        first.parked = vec![letter(3, "b")];
        store.commit(&orders.id, first.clone()).await.unwrap();
        let mut watching = store.watch(&orders.id);
        soon(watching.wait_for(Option::is_some)).await.unwrap();
        let named = format!("{collection}\0");
        proxy.rule(move |message| if is(message, command, &named) { Fate::Cut } else { Fate::Pass });
        let step = format!("{command} {collection}");
        soon(store.remove(&orders.id)).await.expect_err(&step);
        proxy.rule(|_| Fate::Pass);

        assert_eq!(store.builds("orders").await.unwrap()[0].id, orders.id, "{step}");
        if command == "update" {
            assert_eq!(store.checkpoint(&orders.id).await.unwrap().unwrap().position.get(), 5);
        } else {
            assert_eq!(store.checkpoint(&orders.id).await.unwrap(), None, "{step}");
            soon(watching.wait_for(Option::is_none)).await.unwrap();
            let error = store.prepare(&orders).await.expect_err("it is being removed");
            assert!(error.is_retryable() && format!("{error:?}").contains("remove it again"), "{error:?}");
            let error = store.commit(&orders.id, first.clone()).await.expect_err("it is being removed");
            assert!(matches!(error, CommitError::Store(Error::Invalid { .. })), "{step}: {error:?}");
        }
        store.remove(&orders.id).await.unwrap();
        soon(watching.wait_for(Option::is_none)).await.unwrap();
        let database = scratch.database().await;
        let mut names = database.list_collection_names().await.unwrap();
        names.retain(|name| name.starts_with("orders"));
        assert_eq!(names, Vec::<String>::new(), "{step}");
        for own in ["_cqrs_checkpoints", "_cqrs_dead_letters"] {
            let left = database.collection::<Document>(own).count_documents(doc! {}).await.unwrap();
            assert_eq!(left, 0, "{own} after {step}");
        }
        store.prepare(&orders).await.unwrap();
        store.commit(&orders.id, first).await.unwrap();
    }
}
