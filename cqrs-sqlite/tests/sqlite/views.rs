//! What is SQLite's own about views.

use cqrs_core::{
    domain::{IndexSpec, IndexValue},
    envelope::{Json, LogId, Position},
    store::{
        Change, Checkpoint, Commit, CommitError, Direction, DocumentWrite, Error, Find, OrderBy,
        ProjectionId, ProjectionSpec, Standing, ViewStore,
    },
};
use cqrs_sqlite::SqliteViewStore;
use jiff::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::sample::fresh_path;

pub(crate) fn put(key: &str, position: u64, indexes: &[&str]) -> DocumentWrite {
    DocumentWrite {
        key: key.to_owned(),
        created: Position::new(position),
        applied: Position::new(position),
        change: Change::Put {
            data: Json::of(&position).unwrap().into(),
            indexes: indexes.iter().map(|text| IndexValue::Text((*text).to_owned())).collect(),
        },
    }
}

pub(crate) fn commit(from: u64, to: u64, documents: Vec<DocumentWrite>) -> Commit {
    let checkpoint = Checkpoint {
        log: LogId::from_uuid(Uuid::nil()),
        position: Position::new(to),
        head: Position::new(to),
        as_of: Timestamp::UNIX_EPOCH,
        parked: 0,
        last: None,
        diverged: false,
        fence: 0,
        standing: Standing::Live,
        partitions: 1,
    };
    Commit { documents, ..Commit::of(Position::new(from), checkpoint) }
}

fn spec(name: &str, indexes: &[&'static str]) -> ProjectionSpec {
    ProjectionSpec {
        id: ProjectionId::new(name, 1),
        indexes: indexes.iter().map(|name| IndexSpec::new(name)).collect(),
        fingerprint: u64::MAX,
    }
}

#[tokio::test]
async fn projections_and_fields_of_any_name_are_apart() {
    let (_folder, path) = fresh_path();
    let store = SqliteViewStore::open(&path).await.unwrap();
    let fields = ["key", "data", "Key", "a\"; DROP TABLE projections; --", "ä b"];
    let names = ["order", "Order", "ORDER", "order_v1", "o'r\"der", "sqlite_master", "ó:1:x"];
    for (at, name) in (1..).zip(names) {
        let spec = spec(name, &fields);
        store.prepare(&spec).await.unwrap();
        store.commit(&spec.id, commit(0, at, vec![put(name, at, &["1", "2", "3", "4", "5"])])).await.unwrap();
    }
    for (at, name) in (1..).zip(names) {
        let id = spec(name, &[]).id;
        assert_eq!(store.checkpoint(&id).await.unwrap().unwrap().position.get(), at);
        let order = OrderBy::Index("Key".to_owned());
        let find = Find { filters: vec![], order, direction: Direction::Ascending, after: None, limit: 9 };
        let found = store.find(&id, &find).await.unwrap().value;
        assert_eq!(found.iter().map(|document| document.key.as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[tokio::test]
async fn a_name_that_is_none_and_a_doubled_index_are_refused() {
    let (_folder, path) = fresh_path();
    let store = SqliteViewStore::open(&path).await.unwrap();
    for bad in [spec("", &[]), spec("a\0b", &[]), spec("a", &[""]), spec("a", &["x", "x"])] {
        let error = store.prepare(&bad).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    }
    let error = store.commit(&spec("a", &[]).id, commit(0, 1, Vec::new())).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(Error::Invalid { .. })), "{error:?}");
}

/// The steps of a plan.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = plan.parameter_count();
    let steps = plan.query_map(rusqlite::params_from_iter(vec!["x"; count]), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn letters_are_read_along_an_index_and_never_sorted() {
    let (_folder, path) = fresh_path();
    SqliteViewStore::open(&path).await.unwrap();
    let connection = Connection::open(&path).unwrap();
    for (sql, index) in [
        (include_str!("../../src/view/sql/dead_letters.sql"), "PRIMARY KEY"),
        (include_str!("../../src/view/sql/dead_letters_of.sql"), "INDEX dead_letters_by_sequence"),
        (include_str!("../../src/view/sql/parked_sequences.sql"), "INDEX dead_letters_by_sequence"),
    ] {
        let steps = plan(&connection, sql);
        assert!(steps[0].contains(index), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}

#[tokio::test]
async fn pages_are_read_along_an_index_and_never_sorted() {
    let (_folder, path) = fresh_path();
    let store = SqliteViewStore::open(&path).await.unwrap();
    let spec = spec("orders", &["customer_id"]);
    store.prepare(&spec).await.unwrap();
    let connection = Connection::open(&path).unwrap();
    for (conditions, order) in [
        ("", "created DESC, key DESC"),
        ("AND index_customer_id IN (?1)", "created DESC, key DESC"),
        ("AND (created, key) < (?1, ?2)", "created DESC, key DESC"),
        ("AND index_customer_id >= '' AND index_customer_id < x''", "index_customer_id, key"),
        ("AND index_customer_id >= '' AND (index_customer_id, key) > (?1, ?2)", "index_customer_id, key"),
        ("AND index_customer_id IS NULL", "index_customer_id, key"),
    ] {
        let sql = format!(
            "SELECT key, created, applied, data FROM view_orders_v1
             WHERE removed = 0 {conditions} ORDER BY {order} LIMIT 10"
        );
        let steps = plan(&connection, &sql);
        assert!(steps[0].contains("USING INDEX") && steps.len() == 1, "{conditions}: {steps:?}");
    }
}
