use cqrs_core::{
    domain::IndexValue::{self, Bool, Int, Null, Real},
    store::{Error, Filter, Find, OrderBy, ViewStore},
};

use super::sample::{View, all, moment, one_of, put, put_at, text, trace, within, writing};
use crate::conformance::Stores;

/// Documents named for their values, in the order of creation.
async fn with_values(stores: &Stores<dyn ViewStore>, values: &[(&str, IndexValue)]) -> View {
    let view = View::new(&stores.open().await, &["value"]).await;
    view.write(values.iter().zip(1..).map(|((key, value), nth)| put(key, nth, std::slice::from_ref(value)))).await;
    view
}

async fn mixed(stores: &Stores<dyn ViewStore>) -> View {
    let values = [
        ("null", Null),
        ("false", Bool(false)),
        ("true", Bool(true)),
        ("zero", Int(0)),
        ("one", Int(1)),
        ("half", Real(0.5)),
        ("two", Int(2)),
        ("empty", text("")),
        ("text-0", text("0")),
        ("text-1", text("1")),
        ("a", text("a")),
        ("text-null", text("null")),
        ("text-true", text("true")),
        ("epoch", moment(0)),
        ("later", moment(1)),
    ];
    with_values(stores, &values).await
}

async fn by_value(view: &View, values: &[IndexValue]) -> String {
    view.picked([one_of("value", values)]).await
}

async fn by_range(view: &View, from: Option<IndexValue>, to: Option<IndexValue>) -> String {
    view.picked([within("value", from, to)]).await
}

/// A filter with a list of values picks the documents that have any of them, each once; an empty list picks none.
pub async fn documents_are_found_by_one_of_several_values(stores: &Stores<dyn ViewStore>) {
    let view = mixed(stores).await;
    assert_eq!(by_value(&view, &[text("a")]).await, "a");
    assert_eq!(by_value(&view, &[text("A")]).await, "");
    assert_eq!(by_value(&view, &[Int(1)]).await, "one");
    assert_eq!(by_value(&view, &[Bool(true)]).await, "true");
    assert_eq!(by_value(&view, &[moment(1)]).await, "later");
    assert_eq!(by_value(&view, &[text("a"), Int(1), text("missing"), Bool(false)]).await, "false one a");
    assert_eq!(by_value(&view, &[Int(1), Int(1), Int(1)]).await, "one", "a value that is given twice");
    assert_eq!(by_value(&view, &[]).await, "", "one of none");
    let many: Vec<IndexValue> = (0..1000).map(Int).chain([text("1")]).collect();
    assert_eq!(by_value(&view, &many).await, "zero one two text-1", "one of many");
}

/// Documents without a value are found by asking for null, and by nothing else.
pub async fn null_equals_null(stores: &Stores<dyn ViewStore>) {
    let view = mixed(stores).await;
    assert_eq!(by_value(&view, &[Null]).await, "null");
    assert_eq!(by_value(&view, &[Int(2), Null]).await, "null two");
    assert_eq!(by_value(&view, &[Int(0), text(""), Bool(false)]).await, "false zero empty");
}

/// A range holds its first value, and not the one that is beyond; either may be left open.
pub async fn documents_are_found_within_a_range(stores: &Stores<dyn ViewStore>) {
    let view = mixed(stores).await;
    assert_eq!(by_range(&view, Some(Int(0)), Some(Int(2))).await, "zero one half");
    assert_eq!(by_range(&view, Some(Int(1)), None).await, "one two");
    assert_eq!(by_range(&view, None, Some(Int(1))).await, "zero half");
    assert_eq!(by_range(&view, Some(Real(0.5)), Some(Real(1.5))).await, "one half");
    assert_eq!(by_range(&view, Some(text("1")), Some(text("b"))).await, "text-1 a");
    assert_eq!(by_range(&view, Some(text("b")), None).await, "text-null text-true");
    assert_eq!(by_range(&view, Some(Bool(true)), None).await, "true");
    assert_eq!(by_range(&view, Some(moment(0)), Some(moment(1))).await, "epoch");
    assert_eq!(by_range(&view, Some(Int(1)), Some(Int(1))).await, "", "from and to are the same");
    assert_eq!(by_range(&view, Some(Int(2)), Some(Int(1))).await, "", "from is after to");
}

/// A range of one type has no values of another: no text among numbers, no null before everything.
pub async fn a_value_of_another_type_is_never_within(stores: &Stores<dyn ViewStore>) {
    let view = mixed(stores).await;
    assert_eq!(by_range(&view, Some(Int(-100)), None).await, "zero one half two");
    assert_eq!(by_range(&view, None, Some(Int(100))).await, "zero one half two");
    assert_eq!(by_range(&view, Some(text("")), None).await, "empty text-0 text-1 a text-null text-true");
    assert_eq!(by_range(&view, None, Some(text("1"))).await, "empty text-0");
    assert_eq!(by_range(&view, Some(Bool(false)), None).await, "false true");
    assert_eq!(by_range(&view, None, Some(Bool(true))).await, "false");
    assert_eq!(by_range(&view, Some(moment(-1)), None).await, "epoch later");
    assert_eq!(by_range(&view, None, Some(moment(1))).await, "epoch");
    assert_eq!(by_range(&view, Some(Int(0)), Some(text("z"))).await, "", "bounds of two types");
}

/// Whole numbers keep all 64 bits, and whole and floating-point numbers are compared by what they are.
pub async fn numbers_are_compared_exactly(stores: &Stores<dyn ViewStore>) {
    // Above 2^53 a floating-point number can't tell neighbours apart.
    const BIG: i64 = 9_007_199_254_740_993;
    let values = [
        ("min", Int(i64::MIN)),
        ("small", Real(1e-300)),
        ("before", Int(BIG - 1)),
        ("big", Int(BIG)),
        ("after", Int(BIG + 1)),
        ("max", Int(i64::MAX)),
        ("huge", Real(1e300)),
        ("whole", Real(3.0)),
        ("negative", Real(-2.5)),
    ];
    let view = with_values(stores, &values).await;
    assert_eq!(by_value(&view, &[Int(BIG)]).await, "big");
    assert_eq!(by_range(&view, Some(Int(BIG)), Some(Int(BIG + 1))).await, "big");
    assert_eq!(by_value(&view, &[Int(i64::MAX)]).await, "max");
    assert_eq!(by_value(&view, &[Int(i64::MIN)]).await, "min");
    assert_eq!(by_value(&view, &[Int(3)]).await, "whole");
    assert_eq!(by_range(&view, Some(Int(-3)), Some(Int(1))).await, "small negative");
    let sorted = Find { order: OrderBy::Index("value".to_owned()), ..all([]) };
    let sorted = view.keys(&sorted).await.join(" ");
    assert_eq!(sorted, "min negative small whole before big after max huge");
}

/// Text has no language: capitals come before small letters, and nothing is folded or trimmed.
pub async fn text_is_compared_by_its_bytes(stores: &Stores<dyn ViewStore>) {
    let texts = ["", " ", "10", "9", "Z", "a", "a ", "ab", "a\u{301}", "z", "á", "ä", "世", "🦀"];
    let mut values: Vec<_> = texts.iter().map(|key| (*key, text(key))).collect();
    values.rotate_left(5);
    values.swap(0, 7);
    let view = with_values(stores, &values).await;
    let sorted = Find { order: OrderBy::Index("value".to_owned()), ..all([]) };
    assert_eq!(view.keys(&sorted).await, texts);
    let range = Find { filters: vec![within("value", Some(text("Z")), Some(text("ab")))], ..sorted };
    assert_eq!(view.keys(&range).await, ["Z", "a", "a "]);
}

/// Of several filters all have to hold, on one index or on several.
pub async fn all_filters_have_to_hold(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["customer", "total", "paid"]).await;
    let rows: [(&str, &str, i64, bool); 6] = [
        ("1", "ada", 10, true),
        ("2", "bob", 10, true),
        ("3", "ada", 20, false),
        ("4", "ada", 30, true),
        ("5", "cyd", 40, true),
        ("6", "ada", 40, true),
    ];
    let documents = rows.iter().zip(1..).map(|((key, customer, total, paid), nth)| {
        put(key, nth, &[text(customer), Int(*total), Bool(*paid)])
    });
    view.write(documents).await;
    let ada = || one_of("customer", &[text("ada")]);
    let paid = || one_of("paid", &[Bool(true)]);
    let from_20 = || within("total", Some(Int(20)), None);
    for (filters, expected) in [
        (vec![ada(), paid()], "1 4 6"),
        (vec![paid(), ada(), from_20()], "4 6"),
        (vec![from_20(), within("total", None, Some(Int(40)))], "3 4"),
        (vec![ada(), one_of("customer", &[text("bob")])], ""),
        (vec![one_of("customer", &[text("ada"), text("bob")]), one_of("total", &[Int(10), Int(40)])], "1 2 6"),
        (vec![ada(), one_of("paid", &[])], ""),
    ] {
        assert_eq!(view.picked(filters.clone()).await, expected, "{filters:?}");
    }
    let sorted = Find {
        order: OrderBy::Index("total".to_owned()),
        direction: cqrs_core::store::Direction::Descending,
        limit: 2,
        ..all([ada(), paid()])
    };
    assert_eq!(view.keys(&sorted).await, ["6", "4"], "filtered, sorted and limited");
}

/// A document is found by the values of its last write, not by those before.
pub async fn a_changed_document_is_found_by_its_new_values(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &["value"]).await;
    let history = [text("old"), Int(1), Null, text("new")];
    for (value, at) in history.iter().zip(0_usize..) {
        let applied = 10 + at as u64;
        let changed = put_at("a", 1, applied, std::slice::from_ref(value));
        view.write([changed, put_at("b", 2, applied, &[text("old")])]).await;
        let others: Vec<IndexValue> =
            history.iter().enumerate().filter(|(nth, _)| *nth != at).map(|(_, other)| other.clone()).collect();
        let by_new = view.picked([one_of("value", std::slice::from_ref(value))]).await;
        assert!(by_new.contains('a'), "not found by its new value {value:?}");
        assert!(!view.picked([one_of("value", &others)]).await.contains('a'), "found by an older value");
    }
    view.write([writing(&trace("a", 1, 20), &[])]).await;
    assert_eq!(view.picked([one_of("value", &history)]).await, "b");
}

/// A look-up by an index that was not declared is refused, be it as a filter or as the order.
pub async fn an_undeclared_index_is_refused(stores: &Stores<dyn ViewStore>) {
    let view = mixed(stores).await;
    let by = |index: &str| -> [Find; 2] {
        let filter: Filter = one_of(index, &[Null]);
        [all([filter]), Find { order: OrderBy::Index(index.to_owned()), ..all([]) }]
    };
    for index in ["missing", "Value", "key", "data", "created", "value'", "value\" --", ""] {
        for find in by(index) {
            match view.store.find(&view.id, &find).await {
                Err(Error::Invalid { what }) => {
                    assert!(what.contains(index), "{what:?} does not name the index {index:?}");
                }
                other => panic!("the index {index:?} is not declared, but: {other:?}"),
            }
        }
    }
}
