use std::collections::BTreeMap;

use cqrs_core::{
    domain::IndexValue::{self, Bool, Int, Null, Real},
    store::{After, Direction, Find, OrderBy, StoredDocument, ViewStore},
};

use super::sample::{View, all, moment, one_of, put, put_at, remove, text, within};
use crate::conformance::Stores;

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

fn sorted_by(index: &str) -> Find {
    Find { order: OrderBy::Index(index.to_owned()), ..all([]) }
}

/// Asserts the keys of a look-up, in its direction and in the other one.
async fn sorts(view: &View, find: Find, ascending: &[&str]) {
    for direction in DIRECTIONS {
        let mut expected = ascending.to_vec();
        if direction == Direction::Descending {
            expected.reverse();
        }
        let find = Find { direction, ..find.clone() };
        assert_eq!(view.keys(&find).await, expected, "{find:?}");
    }
}

/// By default documents come in the order of the events that created them, or in the reverse of it, whenever they
/// were written last.
pub async fn documents_are_sorted_by_their_creation(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["value"]).await;
    view.write([put("b", 10, &[Int(1)]), put("c", 9, &[Int(2)]), put("a", 100, &[Int(3)])]).await;
    sorts(&view, all([]), &["c", "b", "a"]).await;
    view.write([put("d", 50, &[Int(0)]), put_at("c", 9, 101, &[Int(5)])]).await;
    sorts(&view, all([]), &["c", "b", "d", "a"]).await;
    sorts(&view, all([one_of("value", &[Int(5), Int(1), Int(3)])]), &["c", "b", "a"]).await;
    assert_eq!(view.keys(&Find { limit: 2, ..all([]) }).await, ["c", "b"]);
}

/// Sorted by an index: null, then numbers, then text, then booleans, then moments.
pub async fn documents_are_sorted_by_an_index_of_any_types(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["other", "value"]).await;
    let sorted = [
        ("m", Null),
        ("d", Int(i64::MIN)),
        ("x", Real(-0.5)),
        ("e", Int(0)),
        ("w", Real(0.25)),
        ("f", Int(1)),
        ("v", Int(10)),
        ("h", text("")),
        ("t", text("10")),
        ("i", text("9")),
        ("s", text("B")),
        ("j", text("a")),
        ("c", Bool(false)),
        ("z", Bool(true)),
        ("k", moment(-1)),
        ("y", moment(0)),
        ("b", moment(1_700_000_000_000)),
    ];
    let scrambled = [5, 11, 0, 8, 14, 3, 13, 6, 16, 1, 10, 2, 12, 7, 15, 4, 9].map(|nth: usize| &sorted[nth]);
    view.write(scrambled.iter().zip(1..).map(|((key, value), nth)| put(key, nth, &[Null, value.clone()]))).await;
    sorts(&view, sorted_by("value"), &sorted.each_ref().map(|(key, _)| *key)).await;
}

/// Documents with one place in the order are sorted by key, by its bytes, in the direction of the order.
pub async fn ties_are_sorted_by_key(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["value"]).await;
    let keys = ["10", "9", "B", "a", "é"];
    for (key, nth) in [3, 0, 4, 2, 1].map(|nth: usize| keys[nth]).iter().zip(0..) {
        let same = if nth % 2 == 0 { Int(1) } else { Real(1.0) };
        view.write([put(key, 7, &[same])]).await;
    }
    sorts(&view, all([]), &keys).await;
    sorts(&view, sorted_by("value"), &keys).await;
    sorts(&view, Find { filters: vec![one_of("value", &[Int(1)])], ..sorted_by("value") }, &keys).await;
}

/// The place of a document in the order, to go on from.
fn place(find: &Find, document: &StoredDocument, value: &IndexValue) -> After {
    match find.order {
        OrderBy::Created => After::Created(document.created, document.key.clone()),
        OrderBy::Index(_) => After::Index(value.clone(), document.key.clone()),
    }
}

/// Values with many ties, and of all types.
fn value(nth: u64) -> IndexValue {
    match nth % 8 {
        0 => Null,
        1 => Bool(nth.is_multiple_of(2)),
        2 | 3 => Int((nth % 3).cast_signed()),
        4 => Real(0.5),
        5 => moment(i64::try_from(nth % 3).expect("small")),
        _ => text(["", "a", "b"][usize::try_from(nth % 3).expect("small")]),
    }
}

fn number(document: &StoredDocument) -> u64 {
    document.key.trim_start_matches("key-").parse().expect("the suite's own key")
}

/// Each page goes on behind the last document of the one before, so that together they are the whole list: in both
/// directions, by creation and by index, with filters and with ties, however large the page may be.
pub async fn pages_follow_each_other_without_gap(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["value"]).await;
    // Four documents each were created by one event.
    view.write((0..60).map(|nth| put(&format!("key-{nth}"), nth / 4 + 1, &[value(nth)]))).await;
    let filters = [
        vec![],
        vec![one_of("value", &[Int(0), Int(1), text("a"), Null])],
        vec![within("value", Some(Int(0)), None)],
    ];
    for find in filters.into_iter().flat_map(|filters| {
        [all(filters.clone()), Find { filters, ..sorted_by("value") }]
    }) {
        for direction in DIRECTIONS {
            let whole = Find { direction, ..find.clone() };
            let expected = view.keys(&whole).await;
            assert!(expected.len() > 10, "only {expected:?} were found");
            for limit in [1, 3, 7, 100, usize::MAX] {
                let mut paged = Vec::new();
                let mut page = Find { limit, ..whole.clone() };
                loop {
                    let documents = view.find(&page).await;
                    assert!(documents.len() <= limit, "{} documents on a page of {limit}", documents.len());
                    let Some(last) = documents.last() else { break };
                    page.after = Some(place(&page, last, &value(number(last))));
                    paged.extend(documents.into_iter().map(|document| document.key));
                    assert!(paged.len() <= expected.len(), "pages repeat documents: {paged:?}");
                }
                assert_eq!(paged, expected, "pages of {limit} of {whole:?}");
            }
        }
    }
}

/// While one reads page by page, documents come and go, the last one of a page included: those that stay as they are
/// come up just once.
pub async fn pages_hold_while_documents_change(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let orders = [("created", all([])), ("value", sorted_by("value"))];
    for ((order, find), direction) in
        orders.iter().flat_map(|order| DIRECTIONS.map(|direction| (order, direction)))
    {
        let name = format!("by_{order}_{direction:?}").to_lowercase();
        let view = View::named(&store, &name, 1, &["value"]).await;
        let mut values: BTreeMap<String, IndexValue> =
            (0..40).map(|nth| (format!("key-{nth}"), value(nth))).collect();
        view.write((0..40).map(|nth| put(&format!("key-{nth}"), nth + 100, &[value(nth)]))).await;
        let mut page = Find { limit: 5, direction, ..find.clone() };
        let mut seen = Vec::new();
        let mut changed = Vec::new();
        loop {
            let documents = view.find(&page).await;
            let Some(last) = documents.last() else { break };
            page.after = Some(place(&page, last, &values[&last.key]));
            seen.extend(documents.iter().map(|document| document.key.clone()));
            assert!(seen.len() < 200, "reading page by page does not end: {seen:?}");
            if seen.len() > 30 {
                continue;
            }
            // The last one read goes away, another one changes its place, and new ones come at both ends.
            let round = seen.len() as u64;
            let moved = format!("key-{}", (number(last) + 11) % 40);
            let mut write = |key: String, created: u64, value: IndexValue| {
                let write = put(&key, created, std::slice::from_ref(&value));
                values.insert(key, value);
                write
            };
            let writes = [
                remove(&last.key, last.created.get()),
                write(format!("key-{}", 1000 + round), 1, Null),
                write(format!("key-{}", 2000 + round), 5000, text("zzzz")),
                write(moved.clone(), 1000 + round, text("zzz")),
            ];
            changed.extend([moved]);
            view.write(writes).await;
        }
        for key in (0..40).map(|nth| format!("key-{nth}")).filter(|key| !changed.contains(key)) {
            let times = seen.iter().filter(|other| **other == key).count();
            assert_eq!(times, 1, "how often {key} came up in {seen:?} of {page:?}");
        }
    }
}
