use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cqrs_core::{
    domain::IndexValue,
    envelope::{EventId, LogId, Position},
    store::{Change, Checkpoint, Commit, CommitError, Reason, Standing, ViewStore},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::sample::{
    View, all, batch, document, letter, of_document, one_of, parking, put, put_at, remove, second, text, trace,
    writing,
};
use crate::conformance::{Stores, chance::abandon, json::json_of_length};

/// Beyond the limits of all stores: a document of 33 MiB.
const HUGE: usize = 33 << 20;

fn superseded(outcome: Result<(), CommitError>) -> (u64, u64) {
    match outcome.expect_err("the projection is at another position") {
        CommitError::Superseded { expected, actual, .. } => (expected.get(), actual.get()),
        other => panic!("another writer was to be reported, but: {other:?}"),
    }
}

/// All that an observer can tell of the projection, but for documents that nobody named.
async fn everything(view: &View, keys: &[&str]) -> String {
    let checkpoint = view.checkpoint().await;
    let (documents, found) = (view.load(keys).await, view.keys(&all([])).await);
    let texts: Vec<_> =
        documents.iter().map(|document| document.data.as_ref().map(|data| data.as_str().len())).collect();
    let (letters, sequences) = (view.letters(0, 1000).await, view.sequences().await);
    format!("{checkpoint:?} {documents:?} {texts:?} {found:?} {letters:?} {sequences:?}")
}

/// Documents, traces, dead letters and checkpoint of one batch are all there after it.
pub async fn a_batch_is_written_whole(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    let (kept, removed) = (document("kept", 1, 2, r#"{"b":1}"#), trace("removed", 1, 3));
    let parked = letter(4, of_document("parked"), Reason::Queued);
    let mut commit = batch(0, 4, [writing(&kept, &[text("ada")]), writing(&removed, &[])]);
    commit.parked.push(parked.clone());
    view.commit(commit.clone()).await;
    assert_eq!(view.load(&["kept", "removed"]).await, [kept.clone(), removed]);
    assert_eq!(view.find(&all([])).await, [kept]);
    assert_eq!(view.letters(0, 10).await, [parked]);
    assert_eq!(view.checkpoint().await, Some(Checkpoint { parked: 1, ..commit.checkpoint }));
}

/// A batch for another position than the projection's, behind it or ahead, changes nothing, and the error names both.
pub async fn a_batch_for_another_checkpoint_is_refused_whole(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let foreign = |expected: u64| {
        let mut foreign = batch(expected, expected + 9, [put("a", 99, &[]), put("b", 99, &[]), remove("c", 2)]);
        foreign.parked.push(letter(expected + 9, of_document("a"), Reason::Queued));
        foreign
    };
    assert_eq!(superseded(view.try_commit(foreign(5)).await), (5, 0));
    assert_eq!(view.checkpoint().await, None, "a refused batch made a checkpoint");
    view.commit(batch(0, 10, [put("a", 1, &[]), put("c", 2, &[])])).await;
    let before = everything(&view, &["a", "b", "c"]).await;
    for expected in [0, 9, 11, 100] {
        assert_eq!(superseded(view.try_commit(foreign(expected)).await), (expected, 10));
        assert_eq!(everything(&view, &["a", "b", "c"]).await, before, "a refused batch changed something");
    }
    view.commit(foreign(10)).await;
}

/// The same batch a second time is refused, and leaves all as it was.
pub async fn a_batch_delivered_twice_changes_nothing(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let mut batches = [batch(0, 3, [put("a", 1, &[])]), batch(3, 4, [put("b", 4, &[]), remove("a", 1)])];
    batches[1].parked.push(letter(4, of_document("c"), Reason::Failed("no".to_owned())));
    for commit in batches {
        view.commit(commit.clone()).await;
        let before = everything(&view, &["a", "b"]).await;
        assert_eq!(superseded(view.try_commit(commit.clone()).await).0, commit.expected.get());
        assert_eq!(everything(&view, &["a", "b"]).await, before, "delivered twice, a batch changed something");
    }
}

/// Of many writers of one position just one wins, and only its documents are there.
pub async fn of_racing_batches_on_one_checkpoint_just_one_wins(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    for round in 0..20_u64 {
        let racing: Vec<_> = (0..8_u64)
            .map(|writer| {
                let view = view.clone();
                let documents = ["shared".to_owned(), format!("{round}-{writer}")].map(|key| {
                    put_at(&key, writer + 1, 10 * (round + 1), &[IndexValue::Int(writer.cast_signed())])
                });
                tokio::spawn(async move { view.try_commit(batch(2 * round, 2 * round + 2, documents)).await })
            })
            .collect();
        let mut winner = None;
        for (task, writer) in racing.into_iter().zip(0_u64..) {
            match task.await.expect("the batch does not panic") {
                Ok(()) => assert_eq!(winner.replace(writer), None, "two writers won in round {round}"),
                lost => assert_eq!(superseded(lost), (2 * round, 2 * round + 2), "expected, actual"),
            }
        }
        let winner = winner.expect("one of the racing writers wins");
        assert_eq!(view.position().await, 2 * round + 2);
        assert_eq!(view.get("shared").await.expect("written").created.get(), winner + 1);
        let keys = view.keys(&all([])).await;
        assert_eq!(keys.len() as u64, round + 2, "documents of losers are there: {keys:?}");
        assert!(keys.contains(&format!("{round}-{winner}")), "the winner's document is not there");
    }
}

/// A batch whose future is dropped at any point was written, or was not, and the projection goes on.
pub async fn a_dropped_batch_is_written_whole_or_not_at_all(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    for round in 0..40_u64 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let commit = batch(round, round + 1, [put(&a, 1, &[text("x")]), put(&b, 1, &[text("y")])]);
        let acknowledged = abandon(store.commit(&view.id, commit.clone()), round % 10).await.is_some();
        assert_ne!(view.load(&[&a, &b]).await.len(), 1, "half a batch was written");
        match view.try_commit(commit).await {
            Ok(()) => assert!(!acknowledged, "an acknowledged batch is gone"),
            lost => assert_eq!(superseded(lost), (round, round + 1), "expected, actual"),
        }
        assert_eq!(view.load(&[&a, &b]).await.len(), 2, "half a batch was written");
        assert_eq!(view.keys(&all([])).await.len() as u64, 2 * round + 2);
    }
}

/// A document beyond the limit is refused with its key, its size and the limit, and nothing of its batch is written.
pub async fn an_oversized_document_is_named_and_nothing_is_written(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    view.commit(batch(0, 1, [put("a", 1, &[])])).await;
    let with_size = |bytes: usize| {
        let mut large = put("large", 2, &[]);
        large.change = Change::Put { data: json_of_length(bytes).into(), indexes: vec![] };
        let mut commit = batch(1, 2, [put("a", 2, &[]), large, put("z", 2, &[])]);
        commit.parked.push(letter(2, of_document("p"), Reason::Queued));
        commit
    };
    let before = everything(&view, &["a", "large", "z"]).await;
    let refused = async |bytes: usize| match view.try_commit(with_size(bytes)).await {
        Err(CommitError::TooLarge { projection, key, size, limit }) => {
            assert_eq!((projection, &*key), (view.id.clone(), "large"), "another document is named");
            assert!(size > limit, "a document of {size} bytes is within the limit of {limit}");
            (size, limit)
        }
        other => panic!("a document of {bytes} bytes was to be too large, but: {other:?}"),
    };
    // A store measures documents in the form in which it keeps them, and may add something of its own.
    let (size, limit) = refused(HUGE).await;
    let added = size.checked_sub(HUGE).filter(|added| *added <= 1024);
    let added = added.unwrap_or_else(|| panic!("a document of {HUGE} bytes has {size} for the store"));
    let most = limit - added;
    assert_eq!(refused(most + 1).await, (limit + 1, limit));
    assert_eq!(everything(&view, &["a", "large", "z"]).await, before, "a refused batch changed something");
    view.commit(with_size(most)).await;
    let length = view.get("large").await.and_then(|large| large.data).map(|data| data.len());
    assert_eq!(length, Some(most), "the document at the limit was cut");
}

/// Thousands of documents are written, loaded and looked up at once.
pub async fn a_batch_may_be_large(stores: &Stores<dyn ViewStore>) {
    const SIZE: u64 = 5_000;
    let store = stores.open().await;
    let view = View::new(&store, &["number", "customer"]).await;
    let keys: Vec<String> = (0..SIZE).map(|nth| format!("key-{nth:05}")).collect();
    let values = |nth: u64| [IndexValue::Int(nth.cast_signed()), text("ada")];
    for round in 0..2 {
        let documents = keys
            .iter()
            .zip(0..)
            .map(|(key, nth)| put_at(key, nth + 1, nth + 1 + round, &values(nth + round)));
        view.commit(batch(round, round + 1, documents)).await;
        let loaded = view.load(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert!(loaded.iter().map(|document| &document.key).eq(&keys), "{} were loaded", loaded.len());
        let found = view.keys(&all([])).await;
        assert!(found == keys, "{} were found", found.len());
        let last = i64::try_from(SIZE + round).expect("small") - 1;
        assert_eq!(view.picked([one_of("number", &[IndexValue::Int(last)])]).await, keys[keys.len() - 1]);
    }
    let traces = keys.iter().zip(1..).map(|(key, created)| writing(&trace(key, created, created + 2), &[]));
    view.commit(batch(2, 3, traces)).await;
    assert_eq!(view.keys(&all([])).await.len(), 0, "after all were removed");
}

/// All fields of a checkpoint come back, times to the microsecond; there is none before the first batch.
pub async fn a_checkpoint_is_read_back_as_it_was_written(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    assert_eq!(view.checkpoint().await, None, "a projection without batches has a checkpoint");
    let far = Position::new(i64::MAX.unsigned_abs());
    let checkpoints = [
        (1, Position::new(1), Position::new(3), second(1), None, false, (0, Standing::Building)),
        (
            2,
            Position::new(3),
            Position::new(3),
            Timestamp::from_microsecond(-1).expect("in range"),
            Some(7),
            true,
            (7, Standing::Live),
        ),
        (
            u128::MAX,
            far,
            far,
            second(123_456_789),
            Some(u128::MAX),
            false,
            (i64::MAX.unsigned_abs(), Standing::Superseded { by: u32::MAX }),
        ),
    ];
    let mut expected = Position::ZERO;
    for (log, position, head, as_of, last, diverged, (fence, standing)) in checkpoints {
        let checkpoint =
            Checkpoint {
                log: LogId::from_uuid(Uuid::from_u128(log)),
                position,
                last: last.map(|id| EventId::from_uuid(Uuid::from_u128(id))),
                diverged,
                head,
                as_of,
                parked: 0,
                fence,
                standing,
                partitions: 1,
            };
        view.commit(Commit::of(expected, checkpoint)).await;
        assert_eq!(view.checkpoint().await, Some(checkpoint));
        let get = store.get(&view.id, "a").await.expect("a document is read").checkpoint;
        let find = store.find(&view.id, &all([])).await.expect("documents are looked up").checkpoint;
        assert_eq!((get, find), (Some(checkpoint), Some(checkpoint)), "the checkpoints of get and find");
        expected = position;
    }
}

/// A batch of events that made no difference moves the checkpoint, and one without events brings news of the head.
pub async fn a_batch_without_documents_moves_the_checkpoint(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    view.commit(batch(0, 7, [])).await;
    assert_eq!(view.position().await, 7);
    let mut idle = batch(7, 7, []);
    idle.checkpoint.as_of = second(100);
    idle.checkpoint.head = Position::new(20);
    view.commit(idle.clone()).await;
    assert_eq!(view.checkpoint().await, Some(idle.checkpoint));
    view.commit(batch(7, 8, [put("a", 8, &[])])).await;
    assert_eq!(view.position().await, 8);
    view.commit(parking(8, 9, &[])).await;
}

/// Whatever the checkpoint of an answer covers is in the answer, also while batches are being written.
pub async fn an_answer_is_never_older_than_its_checkpoint(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["number"]).await;
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (view, writing) = (view.clone(), Arc::clone(&writing));
            tokio::spawn(async move {
                let applied = |document: Option<&cqrs_core::store::StoredDocument>| {
                    document.map_or(0, |document| document.applied.get())
                };
                let position = |checkpoint: Option<Checkpoint>| {
                    checkpoint.map_or(0, |checkpoint| checkpoint.position.get())
                };
                while writing.load(Ordering::Acquire) {
                    let read = view.store.get(&view.id, "only").await.expect("a document is read");
                    let (has, claims) = (applied(read.value.as_ref()), position(read.checkpoint));
                    assert!(has >= claims, "a document at {has} came with a checkpoint at {claims}");
                    let read = view.store.find(&view.id, &all([])).await.expect("documents are looked up");
                    let (has, claims) = (applied(read.value.first()), position(read.checkpoint));
                    assert!(has >= claims, "documents at {has} came with a checkpoint at {claims}");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for at in 0..150 {
        view.commit(batch(at, at + 1, [put("only", at + 1, &[IndexValue::Null])])).await;
        tokio::task::yield_now().await;
    }
    writing.store(false, Ordering::Release);
    for reader in readers {
        reader.await.expect("the reader gets no stale answer");
    }
}

/// Once a batch with a larger fencing number is written, one with a smaller number changes nothing, at whatever position,
/// and the error names both.
pub async fn a_batch_with_an_older_fence_is_refused_whole(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let fenced = |expected: u64, fence: u64| {
        let mut commit = batch(expected, expected + 1, [put_at("a", 1, expected + 1, &[]), put("b", expected + 1, &[])]);
        commit.parked.push(letter(expected + 1, of_document("p"), Reason::Queued));
        commit.checkpoint.fence = fence;
        commit
    };
    view.commit(fenced(0, 3)).await;
    view.commit(fenced(1, 3)).await;
    // The new owner's first batch need not have documents, and need not move on.
    let mut claim = batch(2, 2, []);
    claim.checkpoint.fence = 5;
    view.commit(claim).await;
    let before = everything(&view, &["a", "b"]).await;
    for (expected, fence) in [(2, 4), (2, 0), (1, 3), (7, 3)] {
        match view.try_commit(fenced(expected, fence)).await {
            Err(CommitError::Fenced { projection, fence: refused, newest }) => {
                assert_eq!((projection, refused, newest), (view.id.clone(), fence, 5));
            }
            other => panic!("a batch with the fencing number {fence} after 5: {other:?}"),
        }
        assert_eq!(everything(&view, &["a", "b"]).await, before, "a fenced batch changed something");
    }
    view.commit(fenced(2, 5)).await;
    view.commit(fenced(3, 6)).await;
}
