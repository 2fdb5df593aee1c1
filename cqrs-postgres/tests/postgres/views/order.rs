//! Look-ups answer as those in memory do.

use std::cell::Cell;

use cqrs_core::{
    document::DateTime,
    domain::IndexValue,
    envelope::Position,
    memory::MemoryViewStore,
    store::{After, Comparison, Direction, Filter, Find, OrderBy, ViewStore},
};
use proptest::{collection::vec, option, prelude::*};
use tokio::runtime::Runtime;

use super::sample::{all, commit, keys, put, spec};
use crate::server::Schema;

/// Values that are easily mistaken for each other, often enough the same.
fn value() -> impl Strategy<Value = IndexValue> {
    const EXACT: i64 = 1 << 53;
    let int = prop_oneof![-2..3_i64, EXACT - 2..EXACT + 3, Just(i64::MIN), Just(i64::MAX)];
    let real = prop_oneof![
        prop::sample::select(vec![-1.5, -0.0, 0.0, 0.5, 1.0, 1e300, f64::INFINITY, f64::NEG_INFINITY]),
        prop::sample::select(vec![
            9_007_199_254_740_992.0,
            9_007_199_254_740_994.0,
            9.223_372_036_854_776e18
        ]),
    ];
    prop_oneof![
        Just(IndexValue::Null),
        int.prop_map(IndexValue::Int),
        real.prop_map(IndexValue::Real),
        prop::sample::select(vec!["", "\0", "1", "A", "a", "a\0b", "aé", "true", "null"])
            .prop_map(|text| IndexValue::Text(text.to_owned())),
        any::<bool>().prop_map(IndexValue::Bool),
        (-2..3_i64).prop_map(|millis| IndexValue::Time(DateTime::from_millis(millis).unwrap())),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let comparison = prop_oneof![
        vec(value(), 0..4).prop_map(Comparison::OneOf),
        (option::of(value()), option::of(value())).prop_map(|(from, to)| Comparison::Within { from, to }),
    ];
    (prop::sample::select(vec!["a", "b"]), comparison)
        .prop_map(|(index, comparison)| Filter { index: index.to_owned(), comparison })
}

fn look_up() -> impl Strategy<Value = Find> {
    let order = prop_oneof![
        (
            Just(OrderBy::Created),
            option::of((0..6_u64, "[0-9]{2}"))
                .prop_map(|after| after.map(|(position, key)| After::Created(Position::new(position), key)))
        ),
        (
            Just(OrderBy::Index("b".to_owned())),
            option::of((value(), "[0-9]{2}"))
                .prop_map(|after| after.map(|(value, key)| After::Index(value, key)))
        ),
    ];
    let direction = prop::sample::select(vec![Direction::Ascending, Direction::Descending]);
    (vec(filter(), 0..3), order, direction, 0..30_usize).prop_map(
        |(filters, (order, after), direction, limit)| Find { filters, order, direction, after, limit },
    )
}

#[test]
fn look_ups_equal_those_in_memory() {
    let runtime = Runtime::new().unwrap();
    let schema = Schema::new();
    let postgres = runtime.block_on(schema.connect_views());
    let cases = Cell::new(0_u64);
    proptest!(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() }, |(
        documents in vec((value(), value(), 1..6_u64), 1..40),
        finds in vec(look_up(), 20),
    )| {
        cases.set(cases.get() + 1);
        let spec = spec(&format!("case_{}", cases.get()), &["a", "b"]);
        runtime.block_on(async {
            let memory = MemoryViewStore::new();
            let documents: Vec<_> = documents
                .iter()
                .enumerate()
                .map(|(nth, (a, b, created))| put(&format!("{nth:02}"), *created, &[a.clone(), b.clone()]))
                .collect();
            for store in [&memory as &dyn ViewStore, &postgres] {
                store.prepare(&spec).await.unwrap();
                store.commit(&spec.id, commit(0, 9, documents.clone())).await.unwrap();
                assert_eq!(keys(store, &spec.id, &all()).await.len(), documents.len());
            }
            for find in &finds {
                let [expected, found] = [&memory as &dyn ViewStore, &postgres].map(|store| keys(store, &spec.id, find));
                assert_eq!(found.await, expected.await, "{find:?}");
            }
        });
    });
}
