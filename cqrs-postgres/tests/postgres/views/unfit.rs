//! What PostgreSQL can't hold, and what it can.

use cqrs_core::{
    domain::IndexValue,
    envelope::Position,
    store::{
        After, Commit, CommitError, DeadLetter, DocumentWrite, Find, OrderBy, Partition, ProjectionId,
        ProjectionSpec, Reason, ViewStore,
    },
};
use uuid::Uuid;

use super::sample::{all, commit, keys, letter, position, put, spec, text, with_data};
use crate::server::Schema;

/// Refused along with a hundred others, and named; and nothing of the batch is written.
async fn is_refused(store: &dyn ViewStore, id: &ProjectionId, culprit: DocumentWrite, why: &str) {
    let name = culprit.key.clone();
    let mut documents: Vec<_> = (0..100).map(|nth| put(&format!("{nth:03}"), 1, &[text("x")])).collect();
    documents.insert(57, culprit);
    match store.commit(id, commit(0, 1, documents)).await.unwrap_err() {
        CommitError::Unfit { projection, key, reason } => {
            assert_eq!((&projection, key), (id, name));
            assert!(reason.contains(why), "{reason}");
        }
        other => panic!("{name:?} was to be refused, but: {other:?}"),
    }
    assert_eq!(position(store, id).await, 0);
    assert!(keys(store, id, &all()).await.is_empty());
}

#[tokio::test]
async fn a_document_that_the_server_can_not_hold_is_named() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &["customer"]);
    store.prepare(&spec).await.unwrap();
    let too_deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    for (culprit, why) in [
        (put(&"k".repeat(1_025), 1, &[text("x")]), "1025 bytes"),
        (put("a\0b", 1, &[text("x")]), "U+0000"),
        (put("value", 1, &[text(&"v".repeat(1_537))]), "1537 bytes"),
        (with_data("deep", 1, &too_deep, &[text("x")]), "stack depth"),
    ] {
        is_refused(&store, &spec.id, culprit, why).await;
    }
}

#[tokio::test]
async fn keys_and_values_of_the_greatest_length_fit_into_the_indexes() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &["customer"]);
    store.prepare(&spec).await.unwrap();
    // Nothing that could be compressed.
    let random = |length: usize| -> String {
        let hex =
            (0_u16..).map(|nth| Uuid::new_v5(&Uuid::NAMESPACE_OID, &nth.to_be_bytes()).simple().to_string());
        hex.take(length / 32).collect::<String>()
    };
    let (key, value) = (random(1_024), text(&random(1_536)));
    store.commit(&spec.id, commit(0, 1, vec![put(&key, 1, std::slice::from_ref(&value))])).await.unwrap();
    for order in [OrderBy::Created, OrderBy::Index("customer".to_owned())] {
        assert_eq!(keys(&store, &spec.id, &Find { order, ..all() }).await, [&*key]);
    }
}

/// What a store makes of texts with a character that PostgreSQL's texts have not.
#[tokio::test]
async fn the_character_zero_is_kept_in_documents_values_and_letters_and_is_in_no_key() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &["customer"]);
    store.prepare(&spec).await.unwrap();
    let data = r#"{"a\u0000":"\u0000\\u0000"}"#;
    let mut batch = commit(0, 1, vec![with_data("a", 1, data, &[text("\0")]), put("b", 2, &[text("")])]);
    let letters: Vec<_> = ["a\0b", "a\\0b", "a", &"long\\".repeat(1_000)]
        .into_iter()
        .zip(1..)
        .map(|(key, position)| DeadLetter {
            event: "placed\0".to_owned(),
            reason: Reason::Failed(format!("no {key}")),
            ..letter(key, position)
        })
        .collect();
    batch.parked.clone_from(&letters);
    store.commit(&spec.id, batch).await.unwrap();
    let found = store.find(&spec.id, &all()).await.unwrap().value;
    assert_eq!(found[0].data.as_ref().unwrap().as_str(), data);
    let by_customer = Find { order: OrderBy::Index("customer".to_owned()), ..all() };
    assert_eq!(keys(&store, &spec.id, &by_customer).await, ["b", "a"]);
    assert_eq!(store.dead_letters(&spec.id, None, Position::ZERO, 10).await.unwrap(), letters);
    let mut sequences = store.parked_sequences(&spec.id).await.unwrap();
    sequences.sort();
    let mut expected: Vec<_> = letters.into_iter().map(|letter| letter.sequence).collect();
    expected.sort();
    assert_eq!(sequences, expected);

    let read = store.get(&spec.id, "a\0b").await.unwrap();
    assert_eq!((read.value, read.checkpoint.map(|at| at.position.get())), (None, Some(1)));
    let loaded = store.load(&spec.id, &["a\0b".to_owned(), "b".to_owned()]).await.unwrap();
    assert_eq!(loaded.len(), 1);
    let after = Some(After::Index(IndexValue::Null, "a\0b".to_owned()));
    store.find(&spec.id, &Find { after, ..by_customer }).await.unwrap_err();
}

/// Longer than one statement may be.
#[tokio::test]
async fn a_batch_of_many_megabytes_is_written_whole_or_not_at_all() {
    const MEGABYTE: usize = 1 << 20;
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &["customer"]);
    store.prepare(&spec).await.unwrap();
    let batch = |from: u64| -> Commit {
        let data = |nth: u64| format!("\"{nth}{}\"", "x".repeat(5 * MEGABYTE));
        let documents = (0..15).map(|nth| with_data(&format!("{nth:02}"), nth + 1, &data(nth), &[text("x")]));
        let mut commit = commit(from, from + 1, documents.collect());
        commit.parked = vec![letter("other", 1)];
        commit
    };
    let lost = store.commit(&spec.id, batch(7)).await.unwrap_err();
    assert!(matches!(lost, CommitError::Superseded { .. }), "{lost:?}");
    assert!(keys(&store, &spec.id, &all()).await.is_empty(), "a part of a refused batch is there");
    store.commit(&spec.id, batch(0)).await.unwrap();
    assert_eq!(keys(&store, &spec.id, &all()).await.len(), 15);
    assert_eq!(store.checkpoint(&spec.id).await.unwrap().unwrap().parked, 1);
    assert_eq!(store.dead_letters(&spec.id, None, Position::ZERO, 10).await.unwrap().len(), 1);
}

/// Of batches that are written together, the one with a document that the server can't hold is told, and the others are
/// written; those that are too long for one statement together are, too.
#[tokio::test]
async fn batches_that_are_written_together_are_judged_one_by_one() {
    const MEGABYTE: usize = 1 << 20;
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let spec = spec("orders", &["customer"]);
    let mut batches = Vec::new();
    for partition in Partition::all(8) {
        let id = spec.id.partition(partition);
        store.prepare(&ProjectionSpec { id: id.clone(), ..spec.clone() }).await.unwrap();
        let data = match partition.index() {
            2 => format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)),
            index => format!("\"{index}{}\"", "x".repeat(9 * MEGABYTE)),
        };
        let key =
            if partition.index() == 5 { "a\0b".to_owned() } else { format!("of-{}", partition.index()) };
        batches.push((id, commit(0, 1, vec![with_data(&key, 1, &data, &[text("x")])])));
    }
    let ids: Vec<ProjectionId> = batches.iter().map(|(id, _)| id.clone()).collect();
    let answers = store.commit_all(batches).await;
    for (nth, (id, answer)) in ids.iter().zip(answers).enumerate() {
        match (nth, answer) {
            (2, Err(CommitError::Unfit { projection, key, .. })) => {
                assert_eq!((&projection, &*key), (id, "of-2"));
            }
            (5, Err(CommitError::Unfit { projection, key, .. })) => {
                assert_eq!((&projection, &*key), (id, "a\0b"));
            }
            (2 | 5, other) => panic!("{id} was to be refused, but: {other:?}"),
            (_, answer) => answer.unwrap(),
        }
        assert_eq!(position(&store, id).await, u64::from(nth != 2 && nth != 5), "{id}");
    }
    let written = keys(&store, &spec.id, &all()).await;
    assert_eq!(written, ["of-0", "of-1", "of-3", "of-4", "of-6", "of-7"]);
}
