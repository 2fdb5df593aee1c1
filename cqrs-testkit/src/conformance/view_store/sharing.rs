use std::{sync::Arc, time::Duration};

use cqrs_core::{
    domain::IndexValue::{Bool, Int, Null, Real},
    store::{Checkpoint, CommitError, Reason, Sequence, ViewStore},
};
use tokio::sync::watch;

use super::sample::{
    View, all, batch, document, letter, of_document, one_of, put, put_at, spec, text, trace, writing,
};
use crate::conformance::Stores;

async fn told_of(patience: Duration, news: &mut watch::Receiver<Option<Checkpoint>>, position: u64) -> Checkpoint {
    let there = |checkpoint: &Option<Checkpoint>| {
        checkpoint.is_some_and(|checkpoint| checkpoint.position.get() >= position)
    };
    let told = tokio::time::timeout(patience, news.wait_for(there)).await;
    let told = told.unwrap_or_else(|_| panic!("within {patience:?} nobody told of position {position}"));
    told.expect("an open store goes on telling").expect("the condition holds")
}

/// Whoever watches a projection is told its checkpoint after each batch; one that begins to watch later knows it
/// from the start or is told.
pub async fn a_watcher_is_woken_by_a_batch(stores: &Stores<dyn ViewStore>) {
    let patience = stores.patience;
    let store = stores.open().await;
    let early = store.watch(&spec("summary", 1, &[]).id);
    let view = View::new(&store, &[]).await;
    let mut news = store.watch(&view.id);
    for at in 0..5 {
        let watching = [early.clone(), news.clone()]
            .map(|mut news| tokio::spawn(async move { told_of(patience, &mut news, at + 1).await }));
        tokio::task::yield_now().await;
        let commit = batch(at, at + 1, [put_at("a", 1, at + 1, &[])]);
        view.commit(commit.clone()).await;
        assert_eq!(told_of(patience, &mut news, at + 1).await, commit.checkpoint);
        for watching in watching {
            watching.await.expect("a waiting watcher is woken");
        }
        told_of(patience, &mut store.watch(&view.id), at + 1).await;
    }
}

/// A batch through one handle wakes those that watch another one on the same data.
pub async fn a_watcher_is_woken_by_another_handle(stores: &Stores<dyn ViewStore>) {
    let patience = stores.patience;
    let (writer, reader) = (stores.open().await, stores.open().await);
    let view = View::new(&writer, &[]).await;
    let mut news = reader.watch(&view.id);
    for at in 0..5 {
        let commit = batch(at, at + 1, [put_at("a", 1, at + 1, &[])]);
        view.commit(commit.clone()).await;
        assert_eq!(told_of(patience, &mut news, at + 1).await, commit.checkpoint);
    }
}

/// Two handles that are open on the same data see the same documents, and one checkpoint.
pub async fn handles_on_the_same_data_are_one_store(stores: &Stores<dyn ViewStore>) {
    let handles = [stores.open().await, stores.open().await];
    let mut views = Vec::new();
    for handle in &handles {
        views.push(View::new(handle, &["value"]).await);
    }
    for at in 0..6_u64 {
        let (writer, other) = (&views[usize::from(at % 2 == 1)], &views[usize::from(at % 2 == 0)]);
        let written = document("a", 1, at + 1, &at.to_string());
        let commit = batch(at, at + 1, [writing(&written, &[Int(at.cast_signed())])]);
        writer.commit(commit.clone()).await;
        assert_eq!(other.position().await, at + 1, "the other handle does not see the batch");
        assert_eq!(other.get("a").await, Some(written));
        assert_eq!(other.picked([one_of("value", &[Int(at.cast_signed())])]).await, "a");
        let again = other.try_commit(commit).await;
        assert!(matches!(again, Err(CommitError::Superseded { .. })), "through another handle: {again:?}");
    }
    let racing: Vec<_> = (0..10)
        .map(|nth| {
            let view = views[nth % 2].clone();
            tokio::spawn(async move { view.try_commit(batch(6, 7, [put("b", 7, &[Null])])).await })
        })
        .collect();
    let mut winners = 0;
    for task in racing {
        match task.await.expect("the batch does not panic") {
            Ok(()) => winners += 1,
            Err(CommitError::Superseded { .. }) => {}
            Err(other) => panic!("only another writer was to be expected, but: {other:?}"),
        }
    }
    assert_eq!(winners, 1, "so many won of those that raced through two handles");
}

/// Documents, traces, indexes, dead letters and checkpoint are there after reopening, as they were.
pub async fn what_was_written_survives_reopening(stores: &Stores<dyn ViewStore>) {
    let patience = stores.patience;
    let indexes = ["a", "b"];
    let values = [[Null, Int(1)], [Bool(true), Real(0.5)], [text("x"), Int(-1)]];
    let documents = [document("1", 1, 4, "[1]"), document("2", 2, 5, "{}"), document("3", 3, 6, "null")];
    let removed = trace("4", 2, 7);
    let mut parked = letter(5, of_document("5"), Reason::Failed("no".to_owned()));
    parked.version = cqrs_core::envelope::Version::new(3);
    let mut commit = batch(0, 7, documents.iter().zip(&values).map(|(document, values)| writing(document, values)));
    commit.documents.push(writing(&removed, &[]));
    commit.parked.push(parked.clone());
    let view = View::new(&stores.open().await, &indexes).await;
    view.commit(commit.clone()).await;
    let id = view.id.clone();
    drop(view);
    for prepared_again in [false, true] {
        let store: Arc<dyn ViewStore> = stores.open().await;
        let view = View { store: Arc::clone(&store), id: id.clone() };
        if prepared_again {
            View::new(&store, &indexes).await;
        }
        assert_eq!(view.checkpoint().await, Some(Checkpoint { parked: 1, ..commit.checkpoint }));
        assert_eq!(view.find(&all([])).await, documents);
        assert_eq!(view.get("1").await.as_ref(), Some(&documents[0]));
        assert_eq!(view.load(&["4"]).await, std::slice::from_ref(&removed));
        assert_eq!(view.letters(0, 10).await, std::slice::from_ref(&parked));
        assert_eq!(view.sequences().await, [Sequence::Document("5".to_owned())]);
        for (values, key) in values.iter().zip(["1", "2", "3"]) {
            let filters = indexes.iter().zip(values).map(|(index, value)| one_of(index, std::slice::from_ref(value)));
            assert_eq!(view.picked(filters).await, key, "found by its values");
        }
        told_of(patience, &mut store.watch(&id), 7).await;
    }
    let view = View::new(&stores.open().await, &indexes).await;
    view.commit(batch(7, 8, [put("6", 8, &[Null, Null])])).await;
    assert_eq!(view.keys(&all([])).await, ["1", "2", "3", "6"]);
}
