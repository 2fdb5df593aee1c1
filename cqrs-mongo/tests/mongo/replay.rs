//! A batch that was interrupted between its documents and its checkpoint, delivered again.

use cqrs_core::{
    envelope::Position,
    store::{CommitError, Error, Sequence, ViewStore},
};
use cqrs_mongo::{
    MongoViewStore, Transactions,
    mongodb::bson::{Bson, Document, doc},
};
use cqrs_testkit::tokio;

use crate::{
    proxy::{Fate, Proxy, is},
    sample::{batch, letter, put, remove, soon, spec},
    scratch::{Scratch, server},
};

async fn guarded(scratch: &Scratch) -> MongoViewStore {
    scratch.store(MongoViewStore::options().transactions(Transactions::Never)).await
}

async fn at(store: &MongoViewStore, name: &str) -> u64 {
    let checkpoint = store.checkpoint(&spec(name, &[]).id).await.unwrap();
    checkpoint.map_or(0, |checkpoint| checkpoint.position.get())
}

async fn raw(scratch: &Scratch, collection: &str, key: &str) -> Option<Document> {
    scratch.database().await.collection(collection).find_one(doc! { "_id": key }).await.unwrap()
}

/// Writes a batch whose connection dies where the checkpoint was to be written.
pub(crate) async fn interrupted(scratch: &Scratch, commit: cqrs_core::store::Commit) {
    let proxy = Proxy::before(&server()).await;
    let options = MongoViewStore::options().transactions(Transactions::Never);
    let store = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    proxy.rule(|message| if is(message, "update", "_cqrs_checkpoints") { Fate::Cut } else { Fate::Pass });
    let id = spec("orders", &[]).id;
    match soon(store.commit(&id, commit)).await {
        Err(CommitError::Store(error @ Error::Unavailable { .. })) => assert!(error.is_retryable()),
        other => panic!("the checkpoint was not written: {other:?}"),
    }
}

#[tokio::test]
async fn documents_that_are_ahead_of_their_checkpoint_are_passed_over_by_a_replay() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let store = guarded(&scratch).await;
        let orders = spec("orders", &[]);
        store.prepare(&orders).await.unwrap();
        store.commit(&orders.id, batch(0, 3, vec![put("a", 2, &[]), put("gone", 3, &[])])).await.unwrap();
        let lost = batch(3, 9, vec![put("a", 9, &[]), remove("gone", 8), put("new", 7, &[])]);
        interrupted(&scratch, lost.clone()).await;
        assert_eq!(at(&store, "orders").await, 3, "the checkpoint has moved");
        let ahead = raw(&scratch, "orders_v1", "a").await.unwrap();
        assert_eq!(
            ahead.get_i64("at").ok(),
            Some(9),
            "the documents were to be written before the checkpoint"
        );

        // The next writer reads the log in other portions, and does not take documents back.
        let next = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        next.prepare(&orders).await.unwrap();
        next.commit(&orders.id, batch(3, 7, vec![put("a", 5, &[]), put("other", 6, &[])])).await.unwrap();
        next.commit(&orders.id, batch(7, 9, vec![put("a", 9, &[]), remove("gone", 8)])).await.unwrap();
        assert_eq!(at(&store, "orders").await, 9);
        let keys = ["a", "gone", "new", "other"].map(str::to_owned);
        let mut loaded = next.load(&orders.id, &keys).await.unwrap();
        loaded.sort_by(|a, b| a.key.cmp(&b.key));
        let loaded: Vec<_> = loaded
            .iter()
            .map(|document| {
                (
                    &*document.key,
                    document.applied.get(),
                    document.data.as_ref().map(cqrs_core::envelope::Json::as_str),
                )
            })
            .collect();
        let expected = [
            ("a", 9, Some(r#"{"at":9}"#)),
            ("gone", 8, None),
            ("new", 7, Some(r#"{"at":7}"#)),
            ("other", 6, Some(r#"{"at":6}"#)),
        ];
        assert_eq!(loaded, expected, "{transactions:?}");
    }
}

#[tokio::test]
async fn dead_letters_of_a_batch_that_was_interrupted_do_not_count() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let store = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        let orders = spec("orders", &[]);
        store.prepare(&orders).await.unwrap();
        let mut first = batch(0, 2, vec![]);
        first.parked = vec![letter(1, "a")];
        store.commit(&orders.id, first).await.unwrap();
        let mut lost = batch(2, 9, vec![put("c", 3, &[])]);
        lost.parked = vec![letter(5, "b"), letter(5, "c"), letter(6, "b")];
        interrupted(&scratch, lost.clone()).await;
        let sequences =
            |keys: &[&str]| keys.iter().map(|key| Sequence::Document((*key).to_owned())).collect::<Vec<_>>();
        assert_eq!(store.parked_sequences(&orders.id).await.unwrap(), sequences(&["a"]));
        assert_eq!(store.dead_letters(&orders.id, None, Position::ZERO, 10).await.unwrap().len(), 1);

        // What failed before goes well now, or fails in another place: only that counts.
        let mut again = batch(2, 7, vec![put("b", 5, &[])]);
        again.parked = vec![letter(5, "c"), letter(7, "c")];
        store.commit(&orders.id, again).await.unwrap();
        let mut parked = store.parked_sequences(&orders.id).await.unwrap();
        parked.sort();
        assert_eq!(parked, sequences(&["a", "c"]));
        let letters = store.dead_letters(&orders.id, None, Position::ZERO, 10).await.unwrap();
        assert_eq!(letters, [letter(1, "a"), letter(5, "c"), letter(7, "c")], "each once");
        assert_eq!(store.checkpoint(&orders.id).await.unwrap().unwrap().parked, 3);
    }
}

/// Each document that is known ends a command, so the rest is looked up.
#[tokio::test]
async fn a_large_batch_is_written_again_in_few_commands() {
    let scratch = Scratch::new();
    let orders = spec("orders", &[]);
    guarded(&scratch).await.prepare(&orders).await.unwrap();
    let documents: Vec<_> = (0..700).map(|nth| put(&format!("{nth}"), 1, &[])).collect();
    interrupted(&scratch, batch(0, 1, documents.iter().step_by(2).cloned().collect())).await;
    let proxy = Proxy::before(&server()).await;
    let options = MongoViewStore::options().transactions(Transactions::Never);
    let store = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    store.prepare(&orders).await.unwrap();
    let before = proxy.seen().len();
    store.commit(&orders.id, batch(0, 1, documents)).await.unwrap();
    let seen = proxy.seen();
    let commands =
        seen[before..].iter().filter(|command| command.get_str("update").ok() == Some("orders_v1"));
    let commands = commands.count();
    assert!(commands <= 12, "{commands} commands for 700 documents");
    let written = scratch.database().await.collection::<Document>("orders_v1");
    assert_eq!(written.count_documents(doc! { "_cqrs.applied": 1 }).await.unwrap(), 700);
}

#[tokio::test]
async fn a_stale_writer_neither_revives_a_removed_document_nor_takes_one_back() {
    let scratch = Scratch::new();
    let orders = spec("orders", &[]);
    let store = guarded(&scratch).await;
    store.prepare(&orders).await.unwrap();
    store.commit(&orders.id, batch(0, 5, vec![put("gone", 2, &[]), put("a", 2, &[])])).await.unwrap();

    let mut proxy = Proxy::before(&server()).await;
    let options = MongoViewStore::options().transactions(Transactions::Never);
    let stale = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    proxy.rule(|message| if is(message, "update", "orders_v1") { Fate::Hold } else { Fate::Pass });
    let late = batch(5, 8, vec![put("gone", 7, &[]), put("a", 7, &[]), put("new", 7, &[]), put("b", 8, &[])]);
    let id = orders.id.clone();
    let writing = tokio::spawn(async move { stale.commit(&id, late).await });
    soon(proxy.holds()).await;
    let newer = vec![remove("gone", 9), put("a", 10, &[]), put("new", 10, &[])];
    store.commit(&orders.id, batch(5, 10, newer)).await.unwrap();
    proxy.rule(|_| Fate::Pass);
    match soon(writing).await.unwrap() {
        Err(CommitError::Superseded { expected, actual, .. }) => {
            assert_eq!((expected.get(), actual.get()), (5, 10));
        }
        other => panic!("the stale writer was to be told: {other:?}"),
    }
    assert_eq!(at(&store, "orders").await, 10);
    assert_eq!(store.get(&orders.id, "gone").await.unwrap().value, None, "a removed document is back");
    for key in ["a", "new"] {
        let applied = store.get(&orders.id, key).await.unwrap().value.unwrap().applied;
        assert_eq!(applied.get(), 10, "{key} was taken back");
    }
}

#[tokio::test]
async fn a_transaction_that_is_overtaken_leaves_nothing() {
    let scratch = Scratch::new();
    let orders = spec("orders", &[]);
    let store = scratch.store(MongoViewStore::options().transactions(Transactions::Always)).await;
    store.prepare(&orders).await.unwrap();
    let mut proxy = Proxy::before(&server()).await;
    let options = MongoViewStore::options().transactions(Transactions::Always);
    let stale = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    proxy.rule(|message| if is(message, "update", "_cqrs_checkpoints") { Fate::Hold } else { Fate::Pass });
    let mut late = batch(0, 8, vec![put("stale", 7, &[])]);
    late.parked = vec![letter(8, "stale")];
    let id = orders.id.clone();
    let writing = tokio::spawn(async move { stale.commit(&id, late).await });
    soon(proxy.holds()).await;
    store.commit(&orders.id, batch(0, 10, vec![])).await.unwrap();
    proxy.rule(|_| Fate::Pass);
    assert!(matches!(soon(writing).await.unwrap(), Err(CommitError::Superseded { .. })));
    assert_eq!(raw(&scratch, "orders_v1", "stale").await, None, "a document of it is there");
    let letters = scratch.database().await.collection::<Document>("_cqrs_dead_letters");
    assert_eq!(letters.count_documents(doc! {}).await.unwrap(), 0, "a letter of it is there");
}

#[tokio::test]
async fn a_transaction_is_committed_again_while_its_outcome_is_not_known() {
    let scratch = Scratch::new();
    let orders = spec("orders", &[]);
    let proxy = Proxy::before(&server()).await;
    let options = MongoViewStore::options().transactions(Transactions::Always);
    let store = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    store.prepare(&orders).await.unwrap();
    let left = std::sync::atomic::AtomicUsize::new(3);
    proxy.rule(move |message| {
        use std::sync::atomic::Ordering::SeqCst;
        let commits = is(message, "commitTransaction", "");
        let cut = commits && left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if cut { Fate::Cut } else { Fate::Pass }
    });
    let written = soon(store.commit(&orders.id, batch(0, 4, vec![put("a", 4, &[])]))).await;
    proxy.rule(|_| Fate::Pass);
    let there = raw(&scratch, "orders_v1", "a").await.is_some();
    assert_eq!(
        there,
        at(&store, "orders").await == 4,
        "a document without its checkpoint, or one without the other"
    );
    assert_eq!(there, written.is_ok(), "{written:?}");
    assert!(there, "{written:?}");
}

#[tokio::test]
async fn with_transactions_a_document_is_never_read_before_its_checkpoint() {
    let scratch = Scratch::new();
    let orders = spec("orders", &[]);
    let store = scratch.store(MongoViewStore::options().transactions(Transactions::Always)).await;
    store.prepare(&orders).await.unwrap();
    let (reader, id) = (scratch.store(MongoViewStore::options()).await, orders.id.clone());
    let reading = tokio::spawn(async move {
        loop {
            let read = reader.get(&id, "a").await.unwrap();
            let position = at(&reader, "orders").await;
            if let Some(document) = read.value {
                let applied = document.applied.get();
                assert!(
                    applied <= position,
                    "a document at {applied} was read before the checkpoint of {position}"
                );
            }
            if position == 100 {
                break;
            }
        }
    });
    for nth in 0..100 {
        store.commit(&orders.id, batch(nth, nth + 1, vec![put("a", nth + 1, &[])])).await.unwrap();
    }
    soon(reading).await.unwrap();
}

#[tokio::test]
async fn a_projection_that_another_program_declares_otherwise_is_not_written() {
    let scratch = Scratch::new();
    let store = guarded(&scratch).await;
    store.prepare(&spec("orders", &["x"])).await.unwrap();
    guarded(&scratch).await.prepare(&spec("orders", &["x", "y"])).await.unwrap();
    let id = spec("orders", &[]).id;
    match store.commit(&id, batch(0, 1, vec![put("a", 1, &[cqrs_core::domain::IndexValue::Null])])).await {
        Err(CommitError::Store(Error::Invalid { what })) => assert!(what.contains("\"y\""), "{what}"),
        other => panic!("it was written without the index of the other: {other:?}"),
    }
    assert_eq!(raw(&scratch, "orders_v1", "a").await, None);
    let checkpoint = raw(&scratch, "_cqrs_checkpoints", "orders_v1").await.unwrap();
    assert_eq!(checkpoint.get("checkpoint"), None::<&Bson>);
}
