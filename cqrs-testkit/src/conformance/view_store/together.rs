use std::sync::Arc;

use cqrs_core::{
    domain::IndexValue,
    envelope::Position,
    store::{Checkpoint, Commit, CommitError, Error, Partition, ProjectionId, Reason, ViewStore},
};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    partitions::{partition, prepared, with_fence, written},
    sample::{all, batch, letter, of_document, one_of, put, put_at, text},
};
use crate::conformance::Stores;

/// Batches of many partitions are written together, all as by calls of their own: with documents, with letters, or none.
pub async fn batches_of_partitions_are_written_together(stores: &Stores<dyn ViewStore>) {
    const OF: u16 = 32;
    let store = stores.open().await;
    let mut views = Vec::new();
    for partition in Partition::all(OF) {
        views.push(prepared(&store, partition).await);
    }
    views[3].commit(Commit { parked: vec![letter(1, of_document("a"), Reason::Queued)], ..batch(0, 0, []) }).await;
    assert!(store.commit_all(Vec::new()).await.is_empty(), "there is nothing to write");
    let to = |round: u64, nth: usize| 100 * round + nth as u64 + 1;
    let key = |nth: usize| format!("of-{nth}");
    // In the last round, the first time without any documents.
    for round in 0..4_u64 {
        let made = |nth: usize| {
            let expected = if round == 0 { 0 } else { to(round - 1, nth) };
            let brings = (round == 1 || round == 3) && !nth.is_multiple_of(3);
            let documents = brings.then(|| put_at(&key(nth), 1, to(round, nth), &[text(&round.to_string())]));
            let mut commit = batch(expected, to(round, nth), documents);
            commit.checkpoint.fence = round + nth as u64 % 2;
            commit.checkpoint.partitions = OF;
            commit.checkpoint.diverged = nth.is_multiple_of(5);
            let last = uuid::Uuid::from_u128(to(round, nth).into());
            commit.checkpoint.last =
                nth.is_multiple_of(3).then(|| cqrs_core::envelope::EventId::from_uuid(last));
            if round == 3 && nth == 7 {
                commit.parked.push(letter(to(round, nth), of_document("b"), Reason::Queued));
            }
            commit
        };
        let batches = views.iter().enumerate().rev().map(|(nth, view)| (view.id.clone(), made(nth)));
        let answers = store.commit_all(batches.collect()).await;
        assert_eq!(answers.len(), views.len());
        written(&answers);
        for (nth, view) in views.iter().enumerate() {
            let parked = u64::from(nth == 3 || (round == 3 && nth == 7));
            let expected = Checkpoint { parked, ..made(nth).checkpoint };
            assert_eq!(view.checkpoint().await, Some(expected), "{}", view.id);
            if let Some(document) = made(nth).documents.first() {
                let found = view.get(&key(nth)).await.expect("it is written");
                assert_eq!(found.applied, document.applied, "{}", view.id);
                let round = IndexValue::Text(round.to_string());
                assert!(view.keys(&all([one_of("customer", &[round])])).await.contains(&key(nth)), "{}", view.id);
            }
        }
    }
    // Two of one partition, one after the other.
    let at = to(3, 1);
    let twice = [batch(at, at + 1, []), batch(at + 1, at + 2, [put("a", at + 2, &[text("x")])])];
    let twice = twice.map(|commit| (views[1].id.clone(), with_fence(9, commit)));
    written(&store.commit_all(twice.to_vec()).await);
    assert_eq!(views[1].position().await, at + 2);
    assert_eq!(views[2].get("a").await.expect("written").applied.get(), at + 2);
}

/// Of batches that are written together, one that is not for where its partition is, is fenced off, is for none that was
/// prepared, or has a document that the store does not take, leaves nothing; the others are written. Each is told what
/// became of it.
pub async fn a_batch_of_many_is_refused_by_itself(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let mut views = Vec::new();
    for partition in Partition::all(8).take(6) {
        let view = prepared(&store, partition).await;
        view.commit(with_fence(4, batch(0, 2, []))).await;
        views.push(view);
    }
    let nobody = views[0].id.partition(partition(0, 16));
    let key = |of: usize| format!("of-{of}");
    let made = |of: usize, expected: u64, fence: u64, values: &[IndexValue]| {
        let document = put(&key(of), expected + 10, values);
        (views[of].id.clone(), with_fence(fence, batch(expected, expected + 10, [document])))
    };
    let good = [text("x")];
    let batches = vec![
        made(0, 2, 4, &good),
        made(1, 1, 4, &good),
        made(2, 2, 3, &good),
        made(3, 2, 5, &good),
        (nobody.clone(), with_fence(4, batch(0, 1, []))),
        made(4, 2, 4, &[]),
        made(5, 2, 4, &good),
    ];
    let ids: Vec<ProjectionId> = batches.iter().map(|(id, _)| id.clone()).collect();
    let answers = store.commit_all(batches).await;
    match answers.as_slice() {
        [
            Ok(()),
            Err(CommitError::Superseded { projection: moved, expected, actual }),
            Err(CommitError::Fenced { projection: fenced, fence: 3, newest: 4 }),
            Ok(()),
            Err(CommitError::Store(Error::Invalid { .. })),
            Err(CommitError::Store(Error::Invalid { .. })),
            Ok(()),
        ] => {
            assert_eq!((moved, expected.get(), actual.get()), (&ids[1], 1, 2));
            assert_eq!(fenced, &ids[2]);
        }
        answers => panic!("not what became of each: {answers:?}"),
    }
    for (of, view) in views.iter().enumerate() {
        let is_written = [0, 3, 5].contains(&of);
        assert_eq!(view.position().await, if is_written { 12 } else { 2 }, "{}", view.id);
        assert_eq!(view.get(&key(of)).await.is_some(), is_written, "{}", view.id);
    }
    let only = store.commit_all(vec![made(1, 1, 4, &good)]).await;
    assert!(matches!(only.as_slice(), [Err(CommitError::Superseded { .. })]), "a single one: {only:?}");
}

/// The same holds for batches that move checkpoints alone.
pub async fn a_move_of_many_is_refused_by_itself(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let mut views = Vec::new();
    for partition in Partition::all(8).take(5) {
        let view = prepared(&store, partition).await;
        view.commit(with_fence(4, batch(0, 2, []))).await;
        views.push(view);
    }
    let to = |of: usize, expected: u64, fence: u64| {
        (views[of].id.clone(), with_fence(fence, batch(expected, expected + 10, [])))
    };
    let nobody = views[0].id.partition(partition(0, 16));
    let moves =
        vec![to(0, 2, 4), to(1, 1, 4), to(2, 2, 3), to(3, 2, 5), (nobody, with_fence(4, batch(0, 1, []))), to(4, 2, 4)];
    let answers = store.commit_all(moves).await;
    assert!(
        matches!(
            answers.as_slice(),
            [
                Ok(()),
                Err(CommitError::Superseded { .. }),
                Err(CommitError::Fenced { fence: 3, newest: 4, .. }),
                Ok(()),
                Err(CommitError::Store(Error::Invalid { .. })),
                Ok(()),
            ]
        ),
        "not what became of each: {answers:?}"
    );
    for (view, position) in views.iter().zip([12, 2, 2, 12, 12]) {
        assert_eq!(view.position().await, position, "{}", view.id);
    }
}

/// Where two move the same checkpoints at the same time, each of them is moved by one of the two, which is told so.
pub async fn of_two_who_move_many_each_is_moved_by_one(stores: &Stores<dyn ViewStore>) {
    const ROUNDS: u64 = 40;
    let both = [stores.open().await, stores.open().await];
    let mut views = Vec::new();
    for partition in Partition::all(8) {
        views.push(prepared(&both[0], partition).await);
        prepared(&both[1], partition).await;
    }
    for round in 0..ROUNDS {
        let ready = Arc::new(Barrier::new(both.len()));
        let mut moving = JoinSet::new();
        for (nth, store) in both.iter().enumerate() {
            let mut moves: Vec<_> = views
                .iter()
                .map(|view| {
                    let mut commit = with_fence(1, batch(round, round + 1, []));
                    // Who has moved it can be told.
                    commit.checkpoint.head = Position::new(1_000 + nth as u64);
                    (view.id.clone(), commit)
                })
                .collect();
            if nth > 0 {
                moves.reverse();
            }
            let (store, ready) = (Arc::clone(store), Arc::clone(&ready));
            moving.spawn(async move {
                ready.wait().await;
                let mut answers = store.commit_all(moves).await;
                if nth > 0 {
                    answers.reverse();
                }
                (nth, answers)
            });
        }
        let mut answers = moving.join_all().await;
        answers.sort_by_key(|(nth, _)| *nth);
        for (at, view) in views.iter().enumerate() {
            let moved: Vec<usize> =
                answers.iter().filter(|(_, answers)| answers[at].is_ok()).map(|(nth, _)| *nth).collect();
            let checkpoint = view.checkpoint().await.expect("it is moved");
            let by = usize::try_from(checkpoint.head.get() - 1_000).expect("one of the two");
            assert_eq!((moved.as_slice(), checkpoint.position.get()), (&[by][..], round + 1), "{}", view.id);
            for (_, answers) in &answers {
                let answer = &answers[at];
                assert!(matches!(answer, Ok(()) | Err(CommitError::Superseded { .. })), "{}: {answer:?}", view.id);
            }
        }
    }
}
