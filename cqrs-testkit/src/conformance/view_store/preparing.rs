use std::sync::Arc;

use cqrs_core::{
    domain::IndexValue::Int,
    envelope::Position,
    store::{Error, Reason, ViewStore},
};

use super::sample::{View, all, batch, letter, of_document, one_of, put, remove, spec, text};
use crate::conformance::Stores;

async fn prepare(view: &View, indexes: &[&'static str]) -> Result<(), Error> {
    view.store.prepare(&spec(&view.id.name, view.id.version, indexes)).await
}

/// Asking about a projection before it was prepared is no error: it has no documents, letters or checkpoint.
pub async fn a_projection_that_was_never_prepared_is_empty(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let other = View::new(&store, &[]).await;
    other.write([put("a", 1, &[])]).await;
    for (name, version) in [("missing", 1), ("summary", 2)] {
        let view = View { store: Arc::clone(&store), id: spec(name, version, &[]).id };
        assert_eq!(view.checkpoint().await, None);
        let read = store.get(&view.id, "a").await.expect("it is no error");
        assert_eq!((read.value, read.checkpoint), (None, None));
        let find = store.find(&view.id, &all([one_of("customer", &[Int(1)])])).await.expect("it is no error");
        assert_eq!((find.value, find.checkpoint), (vec![], None));
        assert_eq!(view.load(&["a"]).await, []);
        assert_eq!(view.letters(0, 10).await, []);
        assert_eq!(view.sequences().await, []);
        assert_eq!(*store.watch(&view.id).borrow(), None);
    }
}

/// Preparing what is prepared leaves documents, letters and checkpoint as they are, whoever does it.
pub async fn preparing_again_changes_nothing(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer", "total"]).await;
    let mut commit = batch(0, 3, [put("a", 1, &[text("ada"), Int(1)])]);
    commit.parked.push(letter(2, of_document("b"), Reason::Queued));
    view.commit(commit).await;
    let checkpoint = view.checkpoint().await;
    let preparing: Vec<_> = (0..8)
        .map(|_| {
            let view = view.clone();
            tokio::spawn(async move { prepare(&view, &["customer", "total"]).await })
        })
        .collect();
    for task in preparing {
        task.await.expect("preparing does not panic").expect("preparing again is no error");
    }
    assert_eq!(view.checkpoint().await, checkpoint);
    assert_eq!(view.picked([one_of("customer", &[text("ada")]), one_of("total", &[Int(1)])]).await, "a");
    assert_eq!(view.letters(0, 10).await.len(), 1);
    view.write([put("b", 2, &[text("ada"), Int(2)])]).await;
    assert_eq!(view.picked([one_of("customer", &[text("ada")])]).await, "a b");
}

/// An index over documents that were written without it is refused, and all stays as it was.
pub async fn an_index_declared_anew_over_documents_is_refused(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    view.write([put("a", 1, &[text("ada")])]).await;
    for indexes in [&["customer", "total"][..], &["total", "customer"], &["total"]] {
        match prepare(&view, indexes).await {
            Err(Error::Invalid { what }) => {
                assert!(what.contains("total") && what.contains("version"), "{what:?} is no advice");
            }
            other => panic!("the index `total` is new over documents, but: {other:?}"),
        }
    }
    assert_eq!(view.picked([one_of("customer", &[text("ada")])]).await, "a");
    view.write([put("b", 2, &[text("ada")])]).await;
    assert_eq!(view.picked([one_of("customer", &[text("ada")])]).await, "a b");
}

/// Before the first document a projection's indexes may change at will, also where it has a checkpoint.
pub async fn an_index_is_added_while_there_are_no_documents(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    view.commit(batch(0, 3, [])).await;
    prepare(&view, &["total", "customer"]).await.expect("there are no documents yet");
    assert_eq!(view.position().await, 3, "preparing moved the checkpoint");
    view.write([put("a", 1, &[Int(1), text("ada")]), put("b", 2, &[Int(2), text("ada")])]).await;
    assert_eq!(view.picked([one_of("total", &[Int(2)])]).await, "b");
    assert_eq!(view.picked([one_of("customer", &[text("ada")])]).await, "a b");
}

/// An index that is left out is gone: documents are found by the others, and written without it.
pub async fn an_index_that_is_declared_no_more_is_dropped(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer", "total", "paid"]).await;
    view.write([put("a", 1, &[text("ada"), Int(1), Int(10)])]).await;
    prepare(&view, &["customer", "paid"]).await.expect("an index may be dropped");
    view.write([put("b", 2, &[text("ada"), Int(10)])]).await;
    assert_eq!(view.picked([one_of("customer", &[text("ada")]), one_of("paid", &[Int(10)])]).await, "a b");
    let dropped = store.find(&view.id, &all([one_of("total", &[Int(1)])])).await;
    assert!(matches!(dropped, Err(Error::Invalid { .. })), "found by an index that was dropped: {dropped:?}");
    prepare(&view, &["customer", "paid", "total"]).await.expect_err("it would be new over documents");
    prepare(&view, &[]).await.expect("all indexes may be dropped");
    view.write([put("c", 3, &[]), remove("b", 2)]).await;
    assert_eq!(view.picked([]).await, "a c");
}

/// Indexes that are declared in another order are the same ones; values are then given in the new order.
pub async fn indexes_may_change_their_order(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["a", "b", "c"]).await;
    view.write([put("old", 1, &[Int(1), Int(2), Int(3)])]).await;
    prepare(&view, &["c", "a", "b"]).await.expect("the order may change");
    view.write([put("new", 2, &[Int(3), Int(1), Int(2)])]).await;
    for (index, value) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(view.picked([one_of(index, &[Int(value)])]).await, "old new", "by {index}");
    }
}

/// Writes to one, and asserts that the other sees nothing of it.
async fn are_apart(a: &View, b: &View) {
    b.write([put("shared", 9, &[text("b"), Int(9)]), put("of-b", 9, &[text("b"), Int(9)])]).await;
    let before = (b.checkpoint().await, b.load(&["shared", "of-b", "of-a"]).await, b.picked([]).await);
    let mut commit = batch(0, 20, [put("shared", 1, &[text("a")]), put("of-a", 2, &[text("a")])]);
    commit.parked.push(letter(3, of_document("shared"), Reason::Queued));
    a.commit(commit).await;
    a.commit(batch(20, 21, [remove("of-b", 9)])).await;
    let after = (b.checkpoint().await, b.load(&["shared", "of-b", "of-a"]).await, b.picked([]).await);
    assert_eq!(after, before, "{} changed {}", a.id, b.id);
    assert_eq!((b.letters(0, 10).await, b.sequences().await), (vec![], vec![]), "letters of another one");
    assert_eq!(a.picked([one_of("customer", &[text("a"), text("b")])]).await, "shared of-a");
    assert_eq!(b.picked([one_of("total", &[Int(9)])]).await, "of-b shared");
    assert_eq!(a.get("shared").await.map(|document| document.created), Some(Position::new(1)));
    let progress = [a, b].map(|view| *view.store.watch(&view.id).borrow());
    assert!(progress[1].is_none_or(|checkpoint| checkpoint.position.get() == 1), "told of another one's progress");
}

/// Projections of different names have documents, indexes, letters and checkpoints of their own.
pub async fn projections_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let a = View::named(&store, "orders", 1, &["customer"]).await;
    let b = View::named(&store, "orders_1", 1, &["customer", "total"]).await;
    are_apart(&a, &b).await;
    let c = View::named(&store, "orders_v1", 1, &["customer"]).await;
    assert_eq!((c.checkpoint().await, c.picked([]).await), (None, String::new()));
}

/// So have versions of one projection.
pub async fn versions_of_a_projection_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let a = View::named(&store, "orders", 1, &["customer"]).await;
    let b = View::named(&store, "orders", 2, &["customer", "total"]).await;
    are_apart(&a, &b).await;
    let c = View::named(&store, "orders", 12, &["customer"]).await;
    assert_eq!((c.checkpoint().await, c.picked([]).await), (None, String::new()));
}
