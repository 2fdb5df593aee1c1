//! Making room for projections.

use std::sync::Arc;

use cqrs_core::{
    domain::IndexValue::Int,
    store::{CommitError, Comparison, Error, Filter, Find, Partition, ProjectionSpec, ViewStore as _},
};
use sqlx::{AssertSqlSafe, Row as _};

use super::sample::{all, commit, keys, position, put, spec};
use crate::server::{Schema, connect};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_programs_that_start_at_once_make_one_schema() {
    let schema = Schema::new();
    let programs: Vec<_> = (0..20)
        .map(|_| {
            let schema = Arc::clone(&schema);
            tokio::spawn(async move {
                let store = schema.views().connections(1).connect(&crate::server::url()).await.unwrap();
                for name in ["orders", "customers"] {
                    store.prepare(&spec(name, &["a", "b"])).await.unwrap();
                }
                store
            })
        })
        .collect();
    let mut stores = Vec::new();
    for program in programs {
        stores.push(program.await.unwrap());
    }
    let id = spec("orders", &[]).id;
    for (store, at) in stores.iter().zip(0..) {
        let document = put(&format!("{at:02}"), at + 1, &[Int(1), Int(2)]);
        store.commit(&id, commit(at, at + 1, vec![document])).await.unwrap();
    }
    assert_eq!(keys(&stores[0], &id, &all()).await.len(), 20);
    let indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = $1 AND tablename = 'orders_v1'";
    let row = sqlx::query(indexes).bind(&schema.0).fetch_one(&mut connect().await).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 6, "the key's, the one by creation, and two for each that is declared");
}

fn by(index: &str) -> Find {
    let filter = Filter { index: index.to_owned(), comparison: Comparison::OneOf(vec![Int(1)]) };
    Find { filters: vec![filter], ..all() }
}

#[tokio::test]
async fn a_program_that_declares_other_indexes_than_the_newest_one_is_refused_whole() {
    let schema = Schema::new();
    let (old, new) = (schema.connect_views().await, schema.connect_views().await);
    let before = spec("orders", &["a", "b"]);
    old.prepare(&before).await.unwrap();
    let after = spec("orders", &["b", "c"]);
    new.prepare(&after).await.unwrap();
    let error = old.commit(&before.id, commit(0, 1, vec![put("x", 1, &[Int(1), Int(1)])])).await.unwrap_err();
    match error {
        CommitError::Store(Error::Invalid { what }) => {
            assert!(what.contains(r#"["b", "c"]"#) && what.contains(r#"["a", "b"]"#), "{what}");
        }
        other => panic!("the indexes are others, but: {other:?}"),
    }
    let error = old.commit(&before.id, commit(0, 1, Vec::new())).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(Error::Invalid { .. })), "without documents: {error:?}");
    new.commit(&after.id, commit(0, 1, vec![put("y", 1, &[Int(1), Int(1)])])).await.unwrap();
    assert_eq!(keys(&old, &after.id, &by("c")).await, ["y"], "by an index that is new to this program");
    let error = old.find(&after.id, &by("a")).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

/// Batches of partitions that are written together are judged as each alone is, also where they have no documents.
#[tokio::test]
async fn batches_of_a_program_that_declares_other_indexes_are_refused_together() {
    let schema = Schema::new();
    let (old, new) = (schema.connect_views().await, schema.connect_views().await);
    let before = spec("orders", &["a", "b"]);
    let ids: Vec<_> = Partition::all(4).map(|partition| before.id.partition(partition)).collect();
    for id in &ids {
        old.prepare(&ProjectionSpec { id: id.clone(), ..before.clone() }).await.unwrap();
    }
    new.prepare(&spec("orders", &["b", "c"])).await.unwrap();
    let batches = ids.iter().map(|id| (id.clone(), commit(0, 1, Vec::new())));
    for answer in old.commit_all(batches.collect()).await {
        assert!(matches!(answer, Err(CommitError::Store(Error::Invalid { .. }))), "{answer:?}");
    }
    for id in &ids {
        assert_eq!(position(&old, id).await, 0, "{id}");
    }
}

/// A question for an index that is not there has the store look anew at what is declared.
#[tokio::test]
async fn a_question_for_an_unknown_index_leaves_the_order_in_which_this_program_declares_them() {
    let schema = Schema::new();
    let (this, other) = (schema.connect_views().await, schema.connect_views().await);
    let ours = spec("orders", &["a", "b"]);
    this.prepare(&ours).await.unwrap();
    other.prepare(&spec("orders", &["b", "a"])).await.unwrap();
    this.commit(&ours.id, commit(0, 1, vec![put("x", 1, &[Int(1), Int(2)])])).await.unwrap();
    let unknown = this.find(&ours.id, &by("unknown")).await.unwrap_err();
    assert!(matches!(unknown, Error::Invalid { .. }), "{unknown:?}");
    this.commit(&ours.id, commit(1, 2, vec![put("y", 2, &[Int(1), Int(2)])])).await.unwrap();
    assert_eq!(keys(&this, &ours.id, &by("a")).await, ["x", "y"]);
}

/// The race between the look at the documents and the new column, seen from the writer that comes in between.
#[tokio::test(flavor = "multi_thread")]
async fn no_document_slips_in_while_an_index_is_added() {
    for round in 0..10 {
        let schema = Schema::new();
        let (old, new) = (schema.connect_views().await, schema.connect_views().await);
        let name = format!("orders_{round}");
        let (before, after): (ProjectionSpec, _) = (spec(&name, &["a"]), spec(&name, &["a", "b"]));
        old.prepare(&before).await.unwrap();
        let id = before.id.clone();
        let writing =
            tokio::spawn(async move { old.commit(&id, commit(0, 1, vec![put("x", 1, &[Int(1)])])).await });
        let prepared = new.prepare(&after).await;
        let written = writing.await.unwrap();
        assert_ne!(prepared.is_ok(), written.is_ok(), "{prepared:?} {written:?}");
        let sql = format!("SELECT count(*) FROM \"{}\".{name}_v1", schema.0);
        let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut connect().await).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), i64::from(written.is_ok()));
    }
}
