use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Position,
    store::{
        Checkpoint, Commit, CommitError, Error, Partition, ProjectionId, ProjectionSpec, Reason, ViewStore,
    },
};
use tokio::{
    sync::{Barrier, watch},
    task::JoinSet,
};

use super::sample::{View, all, batch, letter, of_document, one_of, put, put_at, spec, text};
use crate::conformance::Stores;

const INDEXES: &[&str] = &["customer"];

pub(super) fn partition(index: u16, of: u16) -> Partition {
    Partition::new(index, of).expect("there is one")
}

pub(super) async fn prepared(store: &Arc<dyn ViewStore>, partition: Partition) -> View {
    let spec = spec("summary", 1, INDEXES);
    let spec = ProjectionSpec { id: spec.id.partition(partition), ..spec };
    store.prepare(&spec).await.expect("a partition is prepared");
    View { store: Arc::clone(store), id: spec.id }
}

/// A build, and its two partitions.
async fn divided(store: &Arc<dyn ViewStore>) -> [View; 3] {
    [
        prepared(store, Partition::WHOLE).await,
        prepared(store, partition(0, 2)).await,
        prepared(store, partition(1, 2)).await,
    ]
}

async fn listed(store: &Arc<dyn ViewStore>) -> Vec<ProjectionId> {
    store.builds("summary").await.expect("builds are listed").into_iter().map(|build| build.id).collect()
}

pub(super) fn with_fence(fence: u64, mut commit: Commit) -> Commit {
    commit.checkpoint.fence = fence;
    commit
}

/// What is written on one partition of a build is read by the ids of all, also of one that was never prepared; the checkpoint
/// of an answer is that of the id that was asked.
pub async fn partitions_share_documents(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let [whole, first, second] = divided(&store).await;
    whole.commit(batch(0, 3, [put("w", 1, &[text("ada")])])).await;
    first.commit(batch(0, 7, [put("a", 4, &[text("ada")]), put_at("w", 1, 5, &[text("bob")])])).await;
    second.commit(batch(0, 5, [put("b", 5, &[text("ada")])])).await;
    let fresh = View { id: whole.id.partition(partition(3, 8)), ..whole.clone() };
    for (view, at) in [(&whole, 3), (&first, 7), (&second, 5), (&fresh, 0)] {
        let (id, store) = (&view.id, &view.store);
        assert_eq!(view.keys(&all([])).await, ["w", "a", "b"], "{id}");
        assert_eq!(view.picked([one_of("customer", &[text("ada")])]).await, "a b", "{id}");
        let loaded = view.load(&["a", "b", "w"]).await;
        let applied: Vec<u64> = loaded.iter().map(|document| document.applied.get()).collect();
        assert_eq!(applied, [4, 5, 5], "{id}");
        let position = |checkpoint: Option<Checkpoint>| checkpoint.map_or(0, |found| found.position.get());
        let got = store.get(id, "w").await.expect("a document is read");
        assert_eq!(got.value.expect("it is shared").applied.get(), 5, "{id}");
        assert_eq!(position(got.checkpoint), at, "the checkpoint of {id}");
        let found = store.find(id, &all([])).await.expect("documents are looked up");
        assert_eq!(position(found.checkpoint), at, "the checkpoint of {id}");
    }
}

/// A batch on one partition moves the checkpoint of no other one, nor that of the build itself, and counts its parked events
/// alone.
pub async fn checkpoints_of_partitions_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let views = divided(&store).await;
    let steps = [(1, 0, 4), (2, 0, 6), (0, 0, 2), (1, 4, 9)];
    let mut positions = [0; 3];
    for (at, expected, position) in steps {
        views[at].commit(batch(expected, position, [])).await;
        positions[at] = position;
        for (view, position) in views.iter().zip(positions) {
            assert_eq!(view.position().await, position, "{}", view.id);
        }
    }
    let outcome = views[2].try_commit(batch(9, 10, [put("a", 10, &[text("x")])])).await;
    let Err(CommitError::Superseded { projection, expected, actual }) = outcome else {
        panic!("a batch for another partition's position: {outcome:?}");
    };
    assert_eq!((projection, expected.get(), actual.get()), (views[2].id.clone(), 9, 6));
    assert_eq!(views[0].get("a").await, None, "a refused batch wrote a document");
}

/// Who takes a partition over keeps nobody out of another one, nor of the build itself.
pub async fn fences_of_partitions_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let [whole, first, second] = divided(&store).await;
    first.commit(with_fence(7, batch(0, 0, []))).await;
    second.commit(with_fence(3, batch(0, 1, [put("b", 1, &[text("x")])]))).await;
    whole.commit(with_fence(2, batch(0, 1, [put("w", 1, &[text("x")])]))).await;
    for (view, expected, fence, newest) in [(&first, 0, 6, 7), (&second, 1, 2, 3), (&whole, 1, 1, 2)] {
        let outcome = view.try_commit(with_fence(fence, batch(expected, 9, [put("z", 9, &[text("x")])]))).await;
        match outcome {
            Err(CommitError::Fenced { projection, fence: refused, newest: known }) => {
                assert_eq!((projection, refused, known), (view.id.clone(), fence, newest));
            }
            other => panic!("{}, with the fencing number {fence} after {newest}: {other:?}", view.id),
        }
        view.commit(with_fence(newest, batch(expected, 8, [put(&view.id.to_string(), 8, &[text("x")])]))).await;
    }
    assert_eq!(whole.get("z").await, None, "a fenced batch wrote a document");
}

/// What is parked on a partition is listed for it alone, and counted for it alone.
pub async fn letters_of_partitions_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let [whole, first, second] = divided(&store).await;
    let parking = |commit: Commit, keys: &[&str]| {
        let parked = keys.iter().map(|key| letter(2, of_document(key), Reason::Queued)).collect();
        Commit { parked, ..commit }
    };
    first.commit(parking(batch(0, 2, []), &["same", "a"])).await;
    second.commit(parking(batch(0, 2, []), &["same"])).await;
    whole.commit(batch(0, 2, [])).await;
    for (view, keys) in [(&whole, &[][..]), (&first, &["a", "same"]), (&second, &["same"])] {
        let expected: Vec<_> = keys.iter().map(|key| of_document(key)).collect();
        assert_eq!(view.sequences().await, expected, "{}", view.id);
        let letters = view.letters(0, 10).await;
        let sequences: Vec<_> = letters.into_iter().map(|letter| letter.sequence).collect();
        assert_eq!(sequences, expected, "{}", view.id);
        let parked = view.checkpoint().await.expect("written").parked;
        assert_eq!(parked, u64::from(!keys.is_empty()), "{}", view.id);
    }
    let resolved = vec![(of_document("same"), Position::new(2))];
    first.commit(Commit { resolved: resolved.clone(), ..batch(2, 2, []) }).await;
    assert_eq!(first.sequences().await, [of_document("a")]);
    assert_eq!(second.sequences().await, [of_document("same")]);
    second.commit(Commit { resolved, ..batch(2, 2, []) }).await;
    assert_eq!(second.checkpoint().await.expect("written").parked, 0);
    assert_eq!(first.checkpoint().await.expect("written").parked, 1);
}

async fn told(
    patience: Duration,
    news: &mut watch::Receiver<Option<Checkpoint>>,
    there: impl Fn(Option<Checkpoint>) -> bool,
) -> Option<Checkpoint> {
    let told = tokio::time::timeout(patience, news.wait_for(|checkpoint| there(*checkpoint))).await;
    let told = told.unwrap_or_else(|_| panic!("nobody told within {patience:?}"));
    *told.expect("an open store goes on telling")
}

/// Whoever watches a partition is told of its checkpoints, also of those that are moved together, and of no other's; and
/// who watches the build itself, of the build's.
pub async fn watchers_of_partitions_are_told_of_them_alone(stores: &Stores<dyn ViewStore>) {
    let patience = stores.patience;
    let (writer, reader) = (stores.open().await, stores.open().await);
    let views = divided(&writer).await;
    let mut news: Vec<_> =
        views.iter().map(|view| [writer.watch(&view.id), reader.watch(&view.id)]).collect();
    let at_least =
        |to: u64| move |seen: Option<Checkpoint>| seen.is_some_and(|seen| seen.position.get() >= to);
    // Of each, positions that no other one has.
    let place = |round: u64, of: usize| 10 * round + of as u64 + 1;
    for round in 0..3 {
        let commit = |of: usize| {
            let expected = if round == 0 { 0 } else { place(round - 1, of) };
            batch(expected, place(round, of), [])
        };
        for (of, view) in views.iter().enumerate().filter(|(of, _)| *of == 0 || round == 1) {
            view.commit(commit(of)).await;
        }
        if round != 1 {
            let moves = [1, 2].map(|of| (views[of].id.clone(), commit(of)));
            written(&writer.commit_all(moves.to_vec()).await);
        }
        for (of, news) in news.iter_mut().enumerate() {
            for news in news {
                let seen = told(patience, news, at_least(place(round, of))).await;
                assert_eq!(seen, Some(commit(of).checkpoint), "{}", views[of].id);
            }
        }
    }
    writer.remove(&views[0].id).await.expect("the build is removed");
    for news in news.iter_mut().flatten() {
        told(patience, news, |checkpoint| checkpoint.is_none()).await;
    }
}

/// Writers of different partitions of a build don't get in each other's way, also where they are of different processes.
pub async fn partitions_are_written_at_the_same_time(stores: &Stores<dyn ViewStore>) {
    const ROUNDS: u64 = 10;
    let mut views = Vec::new();
    for index in 0..4 {
        let store = stores.open().await;
        views.push((index, prepared(&store, partition(index, 4)).await));
    }
    // All begin together, and each round: what takes time before would have them write one after the other.
    let together = Arc::new(Barrier::new(views.len()));
    let mut writers = JoinSet::new();
    for (index, view) in views {
        let together = Arc::clone(&together);
        writers.spawn(async move {
            let mut written = Ok(());
            for at in 0..ROUNDS {
                // Also whoever has failed: the others wait for it.
                together.wait().await;
                if written.is_err() {
                    continue;
                }
                let documents = (0..20).map(|nth| put_at(&format!("{index}-{nth}"), 1, at + 1, &[text("x")]));
                let mut commit = with_fence(at / 3, batch(at, at + 1, documents));
                commit.parked.push(letter(at + 1, of_document("parked"), Reason::Queued));
                written = view.try_commit(commit).await;
            }
            written.map(|()| view)
        });
    }
    for view in writers.join_all().await {
        let view = view.expect("a batch of another partition is no hindrance");
        assert_eq!(view.position().await, ROUNDS, "{}", view.id);
        assert_eq!(view.letters(0, 100).await.len() as u64, ROUNDS, "{}", view.id);
        assert_eq!(view.keys(&all([])).await.len(), 80, "{}", view.id);
    }
}

/// Each of the batches was written.
pub(super) fn written(answers: &[Result<(), CommitError>]) {
    for answer in answers {
        answer.as_ref().expect("it is written");
    }
}

/// A build is listed with each of its partitions that was prepared, in their order; one that was prepared before the build
/// brings it along.
pub async fn partitions_are_listed(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let whole = spec("summary", 1, INDEXES).id;
    prepared(&store, partition(10, 64)).await;
    assert_eq!(listed(&store).await, [whole.clone(), whole.partition(partition(10, 64))]);
    for (index, of) in [(2, 64), (63, 64), (1, 2), (0, 1), (7, 8), (0, 64)] {
        prepared(&store, partition(index, of)).await;
    }
    let other = View::named(&store, "summary", 2, &[]).await;
    let later = ProjectionSpec { id: whole.generation(1), ..spec("summary", 1, INDEXES) };
    store.prepare(&later).await.expect("a build is prepared");
    View { store: Arc::clone(&store), id: whole.partition(partition(2, 64)) }.commit(batch(0, 3, [])).await;
    let parts = [(1, 2), (7, 8), (0, 64), (2, 64), (10, 64), (63, 64)];
    let expected: Vec<ProjectionId> = std::iter::once(whole.clone())
        .chain(parts.map(|(index, of)| whole.partition(partition(index, of))))
        .chain([later.id.clone(), other.id.clone()])
        .collect();
    assert_eq!(listed(&store).await, expected);
    let builds = store.builds("summary").await.expect("builds are listed");
    let positions: Vec<u64> = builds
        .iter()
        .filter_map(|build| build.checkpoint.map(|checkpoint| checkpoint.position.get()))
        .collect();
    assert_eq!(positions, [3]);
    assert!(builds.iter().all(|build| build.fingerprint == later.fingerprint), "{builds:?}");
}

/// Of a partition that is removed, its checkpoint, its fencing number and its dead letters are gone; the build's documents are
/// there, and the other partitions are as they were. It can be prepared anew.
pub async fn a_partition_that_is_removed_leaves_the_others(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let views = divided(&store).await;
    for (view, at) in views.iter().zip(1..) {
        let mut commit = with_fence(5, batch(0, at, [put(&at.to_string(), at, &[text("x")])]));
        commit.parked.push(letter(at, of_document("parked"), Reason::Queued));
        view.commit(commit).await;
    }
    let [whole, removed, kept] = &views;
    for _ in 0..2 {
        store.remove(&removed.id).await.expect("a partition is removed, or is not there");
    }
    store.remove(&whole.id.partition(partition(0, 16))).await.expect("it is not there");
    assert_eq!(listed(&store).await, [whole.id.clone(), kept.id.clone()]);
    assert_eq!(removed.checkpoint().await, None);
    assert_eq!((removed.letters(0, 10).await, removed.sequences().await), (vec![], vec![]));
    for (view, at) in [(whole, 1), (kept, 3)] {
        assert_eq!(view.position().await, at, "{}", view.id);
        assert_eq!(view.letters(0, 10).await.len(), 1, "{}", view.id);
    }
    for view in &views {
        assert_eq!(view.keys(&all([])).await, ["1", "2", "3"], "{}", view.id);
    }
    let outcome = removed.try_commit(with_fence(5, batch(0, 9, [put("z", 9, &[text("x")])]))).await;
    assert!(matches!(outcome, Err(CommitError::Store(Error::Invalid { .. }))), "it is not there: {outcome:?}");
    let anew = prepared(&store, removed.id.partition).await;
    anew.commit(batch(0, 4, [put("4", 4, &[text("x")])])).await;
    assert_eq!(anew.checkpoint().await.expect("written").parked, 0);
    assert_eq!(kept.keys(&all([])).await, ["1", "2", "3", "4"]);
}

/// A build is removed with all of its partitions, and no other build's.
pub async fn a_build_is_removed_with_its_partitions(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let views = divided(&store).await;
    let later = ProjectionSpec {
        id: views[0].id.generation(1).partition(partition(1, 2)),
        ..spec("summary", 1, INDEXES)
    };
    store.prepare(&later).await.expect("a partition is prepared");
    let later = View { store: Arc::clone(&store), id: later.id };
    for view in views.iter().chain([&later]) {
        let mut commit = with_fence(5, batch(0, 3, [put(&view.id.partition.to_string(), 3, &[text("x")])]));
        commit.parked.push(letter(1, of_document("parked"), Reason::Queued));
        view.commit(commit).await;
    }
    store.remove(&views[0].id).await.expect("the build is removed");
    assert_eq!(listed(&store).await, [later.id.whole(), later.id.clone()]);
    for view in &views {
        assert_eq!(view.checkpoint().await, None, "{}", view.id);
        assert_eq!((view.letters(0, 10).await, view.keys(&all([])).await), (vec![], vec![]), "{}", view.id);
    }
    assert_eq!(later.keys(&all([])).await, ["1/2"]);
    assert_eq!(later.letters(0, 10).await.len(), 1);
    // Nothing comes back with those that are prepared anew, in whatever order.
    let second = prepared(&store, partition(1, 2)).await;
    assert_eq!((second.checkpoint().await, second.letters(0, 10).await), (None, vec![]));
    second.commit(batch(0, 1, [put("anew", 1, &[text("x")])])).await;
    assert_eq!(prepared(&store, Partition::WHOLE).await.keys(&all([])).await, ["anew"]);
}

/// Into how many partitions a build is divided comes back with its checkpoint, wherever that is told.
pub async fn the_number_of_partitions_is_read_back(stores: &Stores<dyn ViewStore>) {
    let patience = stores.patience;
    let (store, reader) = (stores.open().await, stores.open().await);
    let [whole, first, _] = divided(&store).await;
    for view in [&whole, &first] {
        let mut news = [store.watch(&view.id), reader.watch(&view.id)];
        for (at, partitions) in (0..).zip([1, 2, Partition::MOST, 64, 1]) {
            let mut commit = batch(at, at + 1, [put_at("a", 1, at + 1, &[text("x")])]);
            commit.checkpoint.partitions = partitions;
            view.commit(commit.clone()).await;
            let expected = Some(commit.checkpoint);
            assert_eq!(view.checkpoint().await, expected);
            assert_eq!(store.get(&view.id, "a").await.expect("a document is read").checkpoint, expected);
            assert_eq!(store.find(&view.id, &all([])).await.expect("looked up").checkpoint, expected);
            let builds = store.builds("summary").await.expect("builds are listed");
            let build = builds.into_iter().find(|build| build.id == view.id).expect("it is listed");
            assert_eq!(build.checkpoint, expected);
            for news in &mut news {
                let there = |seen: Option<Checkpoint>| seen.is_some_and(|seen| seen.position.get() > at);
                assert_eq!(told(patience, news, there).await, expected);
            }
        }
        store.remove(&view.id).await.expect("it is removed");
        prepared(&store, Partition::WHOLE).await;
        prepared(&store, view.id.partition).await;
        prepared(&store, first.id.partition).await;
    }
}

/// Preparing a partition, once more too, changes nothing of the build's documents and of no checkpoint; what indexes it
/// declares holds for the build.
pub async fn a_partition_is_prepared_beside_documents(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let whole = prepared(&store, Partition::WHOLE).await;
    whole.commit(batch(0, 3, [put("a", 1, &[text("ada")]), put("b", 2, &[text("bob")])])).await;
    let first = prepared(&store, partition(0, 2)).await;
    first.commit(batch(0, 5, [put("c", 4, &[text("ada")])])).await;
    let second = prepared(&store, partition(1, 2)).await;
    for again in [first.id.partition, Partition::WHOLE, second.id.partition] {
        prepared(&store, again).await;
        assert_eq!((whole.position().await, first.position().await), (3, 5));
        assert_eq!(second.checkpoint().await, None);
        assert_eq!(second.picked([one_of("customer", &[text("ada")])]).await, "a c");
    }
    let more = ["customer", "number"];
    let more = ProjectionSpec { id: second.id.clone(), ..spec("summary", 1, &more) };
    let refused = store.prepare(&more).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "an index over documents: {refused:?}");
    let none = ProjectionSpec { id: second.id.clone(), ..spec("summary", 1, &[]) };
    store.prepare(&none).await.expect("an index is dropped");
    for view in [&whole, &first, &second] {
        let find = all([one_of("customer", &[text("ada")])]);
        let undeclared = store.find(&view.id, &find).await;
        assert!(matches!(undeclared, Err(Error::Invalid { .. })), "{}: {undeclared:?}", view.id);
    }
    second.commit(batch(0, 6, [put("d", 6, &[])])).await;
    first.commit(batch(5, 7, [put("e", 7, &[])])).await;
    assert_eq!(whole.keys(&all([])).await, ["a", "b", "c", "d", "e"]);
}

/// A batch on a partition that was never prepared is refused whole, though its build is there.
pub async fn a_partition_has_to_be_prepared(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let whole = prepared(&store, Partition::WHOLE).await;
    let nobody = View { id: whole.id.partition(partition(0, 2)), ..whole.clone() };
    let outcome = nobody.try_commit(batch(0, 1, [put("a", 1, &[text("x")])])).await;
    assert!(matches!(outcome, Err(CommitError::Store(Error::Invalid { .. }))), "{outcome:?}");
    assert_eq!((nobody.checkpoint().await, whole.keys(&all([])).await), (None, vec![]));
    assert_eq!(listed(&store).await, [whole.id]);
}
