use std::collections::BTreeMap;

use cqrs_core::{
    document::{DateTime, Value},
    domain::IndexValue,
    envelope::{Json, Position},
    store::{Change, CommitError, Data, Direction, DocumentWrite, Find, OrderBy, ViewStore},
};

use super::sample::{View, all, batch, one_of, put, within};
use crate::conformance::{Stores, json::canonical};

fn named(name: &str, value: Value) -> Value {
    Value::Map(vec![(name.to_owned(), value)])
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// What a projection's runtime hands over for a view.
fn write_of(store: &dyn ViewStore, key: &str, at: u64, view: &Value, index: &IndexValue) -> DocumentWrite {
    DocumentWrite {
        key: key.to_owned(),
        created: Position::new(at),
        applied: Position::new(at),
        change: Change::Put {
            data: Data::of(view, store.format()).expect("it serialises"),
            indexes: vec![index.clone()],
        },
    }
}

/// What a view is read back as.
fn plain(view: &Value) -> Json {
    canonical(&Json::of(view).expect("it serialises"))
}

async fn text_of(view: &View, key: &str) -> Option<Json> {
    view.get(key).await.and_then(|found| found.data)
}

/// A moment comes back as it was, in the document and in lists and maps within it, and documents are found and sorted
/// by it, also before 1970.
pub async fn moments_are_held_to_the_millisecond(stores: &Stores<dyn ViewStore>) {
    const MILLIS: [i64; 8] =
        [-62_135_596_800_000, -86_400_001, -1_000, -1, 0, 1, 1_700_000_000_123, 253_402_207_199_998];
    let store = stores.open().await;
    let view = View::new(&store, &["at"]).await;
    let at = |millis: i64| DateTime::from_millis(millis).expect("in range");
    let document = |millis: i64| {
        let time = || Value::Time(at(millis));
        let fields = [("at", time()), ("list", Value::List(vec![time(), Value::Null])), ("map", named("at", time()))];
        Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let scrambled = [3, 6, 0, 5, 7, 1, 4, 2].map(|nth: usize| MILLIS[nth]);
    let writes = scrambled.iter().zip(1..).map(|(millis, nth)| {
        write_of(&*store, &millis.to_string(), nth, &document(*millis), &IndexValue::Time(at(*millis)))
    });
    view.commit(batch(0, 9, writes)).await;
    for millis in MILLIS {
        let (key, moment) = (millis.to_string(), IndexValue::Time(at(millis)));
        let [read, written] = [text_of(&view, &key).await, Some(plain(&document(millis)))];
        assert_eq!(read.as_ref().map(Json::as_str), written.as_ref().map(Json::as_str));
        assert_eq!(view.picked([one_of("at", std::slice::from_ref(&moment))]).await, key, "found by its moment");
        let next = IndexValue::Time(at(millis + 1));
        assert_eq!(view.picked([within("at", Some(moment), Some(next))]).await, key, "found in its millisecond");
    }
    let before = view.picked([within("at", None, Some(IndexValue::Time(at(0))))]).await;
    assert_eq!(before.split(' ').count(), 4, "{before} were found before 1970");
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut expected = MILLIS.map(|millis| millis.to_string());
        if direction == Direction::Descending {
            expected.reverse();
        }
        let sorted = Find { order: OrderBy::Index("at".to_owned()), direction, ..all([]) };
        assert_eq!(view.keys(&sorted).await, expected, "{direction:?}");
    }
}

/// What a store may have no way to hold.
struct Hostile {
    what: &'static str,
    key: String,
    view: Value,
    index: IndexValue,
}

fn hostile() -> Vec<Hostile> {
    let deep = (0..120).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let operators = [("$gt", 1), ("$ref", 2), ("$id", 3), ("a.b", 4), ("", 5), ("_id", 6)];
    let operators = operators.map(|(name, value)| (name.to_owned(), Value::Int(value))).to_vec();
    let views = [
        ("U+0000 in a text", named("text", text("a\0b"))),
        ("U+0000 in a name", named("a\0b", Value::Int(1))),
        ("U+0000 in a name further down", named("a", named("b\0", Value::Int(1)))),
        ("a whole number beyond 63 bits", named("number", Value::UInt(u64::MAX))),
        ("the same further down", Value::List(vec![named("number", Value::UInt(1 << 63))])),
        ("a number of 30 digits", named("number", Value::Real(123_456_789_012_345_678_901_234_567_890.0))),
        ("the largest number", named("number", Value::Real(f64::MAX))),
        ("120 levels", named("deep", deep.clone())),
        ("120 levels without a name", deep),
        ("an operator's name", named("$set", named("a", Value::Int(1)))),
        ("a path for a name", named("a.b", Value::Int(1))),
        ("no name", named("", Value::Int(1))),
        ("operators and paths further down", named("a", Value::Map(operators))),
        ("a name of 100,000 characters", named(&"n".repeat(100_000), Value::Int(1))),
        ("a text of 100,000 characters", named("text", text("t".repeat(100_000)))),
        ("the name of a key", named("_id", Value::Int(1))),
        ("the names of columns", {
            let names = ["key", "created", "applied", "removed", "data", "value", "_cqrs"];
            Value::Map(names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect())
        }),
    ];
    let views = views.into_iter().zip(1..).map(|((what, view), nth)| {
        let key = format!("view-{nth:02}");
        Hostile { what, key, view, index: IndexValue::Null }
    });
    let keys = [
        ("an empty key", String::new()),
        ("U+0000 in a key", "a\0b".to_owned()),
        ("a key of 3,000 characters", "k".repeat(3_000)),
        ("a key of 100,000 characters", "k".repeat(100_000)),
    ];
    let keys = keys.into_iter().map(|(what, key)| Hostile { what, key, view: note(), index: IndexValue::Null });
    let indexes = [
        ("U+0000 in an indexed text", "a\0b".to_owned()),
        ("an indexed text of 3,000 characters", "i".repeat(3_000)),
        ("an indexed text of 100,000 characters", "i".repeat(100_000)),
    ];
    let indexes = indexes.into_iter().zip(1..).map(|((what, index), nth)| {
        let key = format!("index-{nth}");
        Hostile { what, key, view: note(), index: IndexValue::Text(index) }
    });
    views.chain(keys).chain(indexes).collect()
}

/// What [`put`] writes.
fn note() -> Value {
    named("note", Value::Int(1))
}

/// A document that is out of the ordinary is read back as it was, and found by its index; or the batch is refused with
/// its key, nothing of it is written, and the next one is.
pub async fn a_document_is_held_as_it_is_or_refused_by_name(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["indexed"]).await;
    let mut expected: BTreeMap<String, (&str, Json)> = BTreeMap::new();
    for (hostile, round) in hostile().into_iter().zip(0..) {
        let Hostile { what, key, view: value, index } = hostile;
        let usual = format!("usual-{round:02}");
        view.write([put(&usual, 1, &[IndexValue::Null])]).await;
        expected.insert(usual.clone(), (what, plain(&note())));
        let mut held = Vec::new();
        // Under a key of its own, then over itself, then over a document that is as usual: databases check what takes the
        // place of something else in other ways.
        for (key, applied) in [(&key, 2), (&key, 3), (&usual, 2)] {
            let at = view.position().await;
            let neighbour = format!("neighbour-{round}-{at}");
            let mut write = write_of(&*store, key, 1, &value, &index);
            write.applied = Position::new(applied);
            match view.try_commit(batch(at, at + 1, [put(&neighbour, 1, &[IndexValue::Null]), write])).await {
                Ok(()) => {
                    assert!(view.get(&neighbour).await.is_some(), "{what}: its neighbour was not written");
                    expected.insert(key.clone(), (what, plain(&value)));
                    held.push(key.clone());
                }
                Err(CommitError::Unfit { key: named, .. } | CommitError::TooLarge { key: named, .. }) => {
                    assert_eq!(&named, key, "{what}: another document is named");
                    assert_eq!(view.position().await, at, "{what}: a refused batch moved the checkpoint");
                    assert_eq!(view.get(&neighbour).await, None, "{what}: half of a refused batch was written");
                    view.write([put(&format!("next-{round}-{at}"), 1, &[IndexValue::Null])]).await;
                }
                Err(other) => panic!("{what}: neither held nor refused by its name: {other:?}"),
            }
        }
        held.dedup();
        if let (IndexValue::Text(_), false) = (&index, held.is_empty()) {
            held.sort();
            let by_value = Find { order: OrderBy::Index("indexed".to_owned()), ..all([one_of("indexed", &[index])]) };
            assert_eq!(view.keys(&by_value).await, held, "{what}: found and sorted by it");
        }
        for key in [key, usual] {
            let known = expected.get(&key).map(|(_, text)| text.as_str());
            let read = text_of(&view, &key).await;
            assert!(read.as_ref().map(Json::as_str) == known, "{what}: other data was read: {read:?}");
        }
    }
    for (key, (what, text)) in &expected {
        let read = text_of(&view, key).await;
        assert!(read.as_ref() == Some(text), "{what}: in the end, other data was read: {read:?}");
    }
}
