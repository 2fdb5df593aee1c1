//! Names of projections and of fields.

use cqrs_core::store::{CommitError, Error, Find, OrderBy, ProjectionId, ViewStore as _};

use super::sample::{all, commit, keys, position, put, spec, text};
use crate::server::Schema;

#[tokio::test]
async fn projections_and_fields_of_any_name_are_apart() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let long = "x".repeat(128);
    let fields =
        ["key", "data", "Key", "{column}", "a\"; DROP TABLE projections; --", &*"ä".repeat(64).leak()];
    let names = [
        "order",
        "Order",
        "ORDER",
        "order_v1",
        "o'r\"der",
        "pg_class",
        "{schema}",
        "ó:1:x",
        &long,
        &long[1..],
    ];
    for (at, name) in (1..).zip(names) {
        let spec = spec(name, &fields);
        store.prepare(&spec).await.unwrap();
        let values: Vec<_> = (0..fields.len()).map(|nth| text(&nth.to_string())).collect();
        store.commit(&spec.id, commit(0, at, vec![put(name, at, &values)])).await.unwrap();
    }
    for (at, name) in (1..).zip(names) {
        let id = spec(name, &[]).id;
        assert_eq!(position(&store, &id).await, at);
        for field in fields {
            let find = Find { order: OrderBy::Index(field.to_owned()), ..all() };
            assert_eq!(keys(&store, &id, &find).await, [name], "by {field}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_none_and_a_doubled_index_are_refused() {
    let schema = Schema::new();
    let store = schema.connect_views().await;
    let long = "x".repeat(129);
    for bad in [spec("", &[]), spec("a\0b", &[]), spec(&long, &[]), spec("a", &[""]), spec("a", &["x", "x"])]
    {
        let error = store.prepare(&bad).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(position(&store, &ProjectionId { version: 2, ..bad.id }).await, 0);
    }
    let error = store.commit(&spec("a", &[]).id, commit(0, 1, Vec::new())).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(Error::Invalid { .. })), "{error:?}");
}
