use std::collections::BTreeMap;

use cqrs_core::{
    domain::IndexValue,
    store::{Direction, Find, OrderBy, StoredDocument, ViewStore},
};
use proptest::collection::vec;

use super::sample::{View, all, document, one_of, put, trace, within, writing};
use crate::conformance::{
    Stores,
    json::{PECULIAR_DOCUMENTS, PECULIAR_NAMES},
    property,
};

/// A document comes back with its key, its positions and its data, value by value, whichever way it is read.
pub async fn documents_are_read_back_as_they_were_written(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    let written: Vec<StoredDocument> = PECULIAR_DOCUMENTS
        .iter()
        .zip(1..)
        .map(|(text, nth)| document(&format!("key-{nth:02}"), nth, nth + 100, text))
        .collect();
    view.write(written.iter().map(|document| writing(document, &[IndexValue::Null]))).await;
    let keys: Vec<&str> = written.iter().map(|document| document.key.as_str()).collect();
    assert_eq!(view.load(&keys).await, written, "loaded");
    assert_eq!(view.find(&all([])).await, written, "found");
    for document in written {
        let read = view.get(&document.key).await.expect("written");
        let texts = [&read, &document].map(|document| document.data.as_ref().map(|data| data.as_str().to_owned()));
        assert_eq!(texts[0], texts[1], "other data was read");
        assert_eq!(read, document, "read by its key");
    }
}

/// A put over a document that exists takes its place.
pub async fn a_document_is_replaced(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    for (applied, text) in [(1, r#"{"a":1,"long":"and longer"}"#), (5, "{}"), (6, "7")] {
        let newest = document("a", 1, applied, text);
        view.write([writing(&newest, &[])]).await;
        assert_eq!(view.get("a").await, Some(newest.clone()));
        assert_eq!(view.load(&["a"]).await, std::slice::from_ref(&newest));
        assert_eq!(view.find(&all([])).await, [newest]);
    }
}

/// A key that was never written has no document, and is no error; the others that were asked for are there.
pub async fn unknown_documents_are_left_out(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    assert_eq!(view.load(&["a"]).await, []);
    assert_eq!(view.load(&[]).await, []);
    let known = document("a", 1, 1, "1");
    view.write([writing(&known, &[])]).await;
    assert_eq!(view.get("missing").await, None);
    assert_eq!(view.load(&["missing", "a", "neither"]).await, [known]);
    assert_eq!(view.load(&[]).await, []);
}

/// A removed document is neither read nor found, but is loaded as a trace, with its positions.
pub async fn a_removed_document_leaves_only_a_trace(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    let ada = IndexValue::Text("ada".to_owned());
    view.write([put("a", 1, std::slice::from_ref(&ada)), put("b", 2, std::slice::from_ref(&ada))]).await;
    // A document may also come and go within one batch.
    let traces = [trace("a", 1, 7), trace("c", 3, 8)];
    view.write(traces.iter().map(|trace| writing(trace, &[]))).await;
    assert_eq!(view.load(&["a", "c"]).await, traces);
    assert_eq!(view.get("a").await, None, "a removed document was read");
    assert_eq!(view.picked([]).await, "b", "found without a filter");
    assert_eq!(view.picked([one_of("customer", &[ada, IndexValue::Null])]).await, "b", "found by an index");
    assert_eq!(view.picked([within("customer", None, None)]).await, "b", "found by a range");
}

/// A put over a trace brings a document back, with the positions that the put says.
pub async fn a_removed_document_can_come_back(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer"]).await;
    let values = [IndexValue::Int(1)];
    view.write([put("a", 1, &values), put("b", 2, &values)]).await;
    view.write([writing(&trace("a", 1, 3), &[])]).await;
    let back = document("a", 4, 5, r#"{"again":true}"#);
    view.write([writing(&back, &[IndexValue::Int(2)])]).await;
    assert_eq!(view.get("a").await, Some(back.clone()));
    assert_eq!(view.load(&["a"]).await, [back]);
    assert_eq!(view.picked([]).await, "b a", "in the order of creation");
    assert_eq!(view.picked([one_of("customer", &values)]).await, "b", "by the value from before");
    assert_eq!(view.picked([one_of("customer", &[IndexValue::Int(2)])]).await, "a", "by its value");
}

/// Keys and indexed texts that differ in any byte are different.
pub async fn keys_are_taken_literally(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["name"]).await;
    let name = |name: &str| [IndexValue::Text(name.to_owned())];
    view.write(PECULIAR_NAMES.iter().zip(1..).map(|(key, nth)| put(key, nth, &name(key)))).await;
    for (key, nth) in PECULIAR_NAMES.iter().zip(1..) {
        let by_key = view.get(key).await.map(|document| (document.key, document.created.get()));
        assert_eq!(by_key, Some(((*key).to_owned(), nth)));
        assert_eq!(view.load(&[key]).await.len(), 1, "loaded by {key:?}");
        assert_eq!(view.keys(&all([one_of("name", &name(key))])).await, [*key], "found by {key:?}");
    }
}

/// What a random history does next: write a document under a key, with an indexed value, or remove it.
type Step = Vec<(u8, Option<Option<i8>>)>;

/// After any series of batches the store answers as a plain map of documents would.
pub async fn a_random_history_equals_a_map(stores: &Stores<dyn ViewStore>) {
    let value = proptest::option::weighted(0.8, proptest::option::weighted(0.8, -2_i8..3));
    let steps = vec(vec((0_u8..6, value), 0..5), 1..12);
    let stores = stores.elsewhere();
    property::check(24, steps, move |steps: Vec<Step>| {
        let stores = stores.elsewhere();
        async move { replay(&View::new(&stores.open().await, &["number"]).await, steps).await }
    })
    .await;
}

async fn replay(view: &View, steps: Vec<Step>) {
    let mut map: BTreeMap<String, (StoredDocument, Option<i8>)> = BTreeMap::new();
    let indexed = |value: Option<i8>| value.map_or(IndexValue::Null, |value| IndexValue::Int(value.into()));
    for (step, at) in steps.into_iter().zip(1_u64..) {
        let changes: BTreeMap<String, Option<Option<i8>>> =
            step.into_iter().map(|(key, change)| (format!("key-{key}"), change)).collect();
        let mut documents = Vec::new();
        for (key, change) in changes {
            let created = map.get(&key).filter(|(known, _)| known.data.is_some());
            let created = created.map_or(at, |(known, _)| known.created.get());
            let (document, value) = match change {
                Some(value) => (document(&key, created, at, &format!("[{at}]")), value),
                None => (trace(&key, created, at), None),
            };
            documents.push(writing(&document, &[indexed(value)]));
            map.insert(key, (document, value));
        }
        view.write(documents).await;

        let keys: Vec<String> = (0..7).map(|key| format!("key-{key}")).collect();
        let known: Vec<StoredDocument> = map.values().map(|(document, _)| document.clone()).collect();
        assert_eq!(view.load(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await, known, "loaded");
        let existing = || map.values().filter(|(document, _)| document.data.is_some());
        for key in &keys {
            let expected = existing().find(|(document, _)| document.key == *key);
            assert_eq!(view.get(key).await.as_ref(), expected.map(|(document, _)| document), "read by its key");
        }
        for direction in [Direction::Ascending, Direction::Descending] {
            let expect = |mut documents: Vec<(StoredDocument, Option<i8>)>, by_index: bool| {
                documents.sort_by_key(|(document, value)| {
                    let created = (!by_index).then_some(document.created);
                    (by_index.then_some(*value), created, document.key.clone())
                });
                if direction == Direction::Descending {
                    documents.reverse();
                }
                documents.into_iter().map(|(document, _)| document.key).collect::<Vec<_>>()
            };
            let every: Vec<_> = existing().cloned().collect();
            let by_creation = Find { direction, ..all([]) };
            assert_eq!(view.keys(&by_creation).await, expect(every.clone(), false), "{direction:?} by creation");
            let by_index = Find { order: OrderBy::Index("number".to_owned()), ..by_creation };
            assert_eq!(view.keys(&by_index).await, expect(every, true), "{direction:?} by index");
            let positive = Find {
                filters: vec![within("number", Some(IndexValue::Int(0)), Some(IndexValue::Int(2)))],
                ..by_index
            };
            let fitting = existing().filter(|(_, value)| value.is_some_and(|value| (0..2).contains(&value)));
            assert_eq!(view.keys(&positive).await, expect(fitting.cloned().collect(), true), "within");
        }
    }
}
