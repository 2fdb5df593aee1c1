//! How PostgreSQL goes about it.

use std::time::Duration;

use cqrs_core::{
    domain::IndexValue,
    envelope::{Json, Position},
    store::{
        After, Change, Comparison, Direction, DocumentWrite, Filter, Find, OrderBy, ProjectionId, Sequence,
        ViewStore as _,
    },
};
use cqrs_postgres::PostgresViewStore;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::sample::{all, commit, letter, put, spec, text};
use crate::server::{Schema, connect, url_with};

/// A store whose statements can be seen.
struct Observed {
    store: PostgresViewStore,
    id: ProjectionId,
    observer: PgConnection,
    name: String,
}

impl Observed {
    /// With 20,000 documents of 50 customers, and some of none.
    async fn new(schema: &Schema) -> Self {
        let url = url_with(&format!("application_name={}", schema.0));
        let store = schema.views().connections(1).connect(&url).await.unwrap();
        let spec = spec("orders", &["customer_id"]);
        store.prepare(&spec).await.unwrap();
        let documents = (1..=20_000).map(|nth| {
            let value =
                if nth % 100 == 0 { IndexValue::Null } else { text(&format!("customer-{}", nth % 50)) };
            put(&format!("{nth:05}"), nth, &[value])
        });
        store.commit(&spec.id, commit(0, 20_000, documents.collect())).await.unwrap();
        let mut observer = connect().await;
        let analyze = format!("ANALYZE \"{}\".orders_v1", schema.0);
        sqlx::raw_sql(AssertSqlSafe(analyze)).execute(&mut observer).await.unwrap();
        Self { store, id: spec.id, observer, name: schema.0.clone() }
    }

    /// The steps of the plan for the statement that the store has sent last, from the outermost one.
    async fn plan(&mut self, values: &str, mode: &str) -> Vec<String> {
        let last = "SELECT query FROM pg_stat_activity WHERE application_name = $1";
        let sql: String =
            sqlx::query(last).bind(&self.name).fetch_one(&mut self.observer).await.unwrap().get(0);
        let explain = format!(
            "SET plan_cache_mode = {mode}; PREPARE looked_at AS {sql}; EXPLAIN (COSTS OFF) EXECUTE looked_at ({values}); \
             DEALLOCATE looked_at"
        );
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut self.observer).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn pages_are_read_along_an_index_and_never_sorted_whole() {
    let schema = Schema::new();
    let mut observed = Observed::new(&schema).await;
    let newest =
        |filters: Vec<Filter>| Find { filters, direction: Direction::Descending, limit: 10, ..all() };
    let by_customer = |filters: Vec<Filter>| Find {
        filters,
        order: OrderBy::Index("customer_id".to_owned()),
        limit: 10,
        ..all()
    };
    let of = |value: IndexValue| Filter {
        index: "customer_id".to_owned(),
        comparison: Comparison::OneOf(vec![value]),
    };
    let texts = Filter {
        index: "customer_id".to_owned(),
        comparison: Comparison::Within { from: Some(text("")), to: None },
    };
    let after_created = Some(After::Created(Position::new(10_000), "x".to_owned()));
    let after_customer = Some(After::Index(text("customer-7"), "00100".to_owned()));
    let customer = "'\\x20637573746f6d65722d37'";
    for (find, values, index) in [
        (newest(vec![]), String::new(), "created_key"),
        (Find { after: after_created.clone(), ..newest(vec![]) }, ", 10000, 'x'".to_owned(), "created_key"),
        (newest(vec![of(text("customer-7"))]), format!(", {customer}"), "index_customer_id_created_key"),
        (
            Find { after: after_created, ..newest(vec![of(text("customer-7"))]) },
            format!(", {customer}, 10000, 'x'"),
            "index_customer_id_created_key",
        ),
        (by_customer(vec![]), String::new(), "index_customer_id_key"),
        (by_customer(vec![of(IndexValue::Null)]), ", '\\x00'".to_owned(), "index_customer_id_key"),
        (by_customer(vec![texts]), ", '\\x20', '\\x21'".to_owned(), "index_customer_id_key"),
        (
            Find { after: after_customer, ..by_customer(vec![]) },
            format!(", {customer}, '00100'"),
            "index_customer_id_key",
        ),
    ] {
        observed.store.find(&observed.id, &find).await.unwrap();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let steps = observed.plan(&format!("'orders', 1, 0, '0/1'{values}"), mode).await;
            let limit = steps.iter().position(|step| step.contains("Limit")).unwrap();
            let page = &steps[limit + 1..];
            let scan = page.iter().find(|step| step.contains("Scan")).unwrap();
            assert!(scan.contains(&format!("using orders_v1_{index}_idx ")), "{mode}: {find:?}: {steps:?}");
            assert!(!page.iter().any(|step| step.contains("Sort")), "{mode}: {find:?}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn documents_are_read_by_their_keys_along_the_index_of_keys() {
    let schema = Schema::new();
    let mut observed = Observed::new(&schema).await;
    observed.store.get(&observed.id, "00007").await.unwrap();
    let steps = observed.plan("'orders', 1, 0, '0/1', '00007'", "force_generic_plan").await.join("\n");
    assert!(steps.contains("Index Scan using orders_v1_pkey"), "{steps}");
    observed.store.load(&observed.id, &["00007".to_owned(), "00009".to_owned()]).await.unwrap();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        let steps = observed.plan("ARRAY['00007', '00009']", mode).await.join("\n");
        assert!(steps.contains("orders_v1_pkey"), "{mode}: {steps}");
    }
}

#[tokio::test]
async fn letters_of_a_sequence_are_read_along_an_index_and_never_sorted() {
    let schema = Schema::new();
    let mut observed = Observed::new(&schema).await;
    let mut batch = commit(20_000, 20_000, Vec::new());
    batch.parked = (1..=5_000).map(|nth| letter(&format!("{:02}", nth % 50), nth)).collect();
    observed.store.commit(&observed.id, batch).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE \"{}\".dead_letters", schema.0)))
        .execute(&mut observed.observer)
        .await
        .unwrap();
    for (of, values, index) in [
        (
            Some(Sequence::Document("07".to_owned())),
            ", 100, 10, gen_random_uuid()",
            "dead_letters_by_sequence",
        ),
        (None, ", 100, 10", "dead_letters_pkey"),
    ] {
        observed.store.dead_letters(&observed.id, of.as_ref(), Position::new(100), 10).await.unwrap();
        let steps = observed.plan(&format!("'orders', 1, 0, '0/1'{values}"), "force_generic_plan").await;
        let scans: Vec<_> = steps.iter().filter(|step| step.contains("Scan")).collect();
        assert!(scans.iter().all(|scan| scan.contains(&format!("using {index} "))), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("Sort")), "{steps:?}");
    }
}

/// Changing every index would cost more than changing the document does. One round only: after that it depends on whether
/// somebody else's transaction keeps the server from tidying up.
#[tokio::test]
async fn a_document_whose_indexed_values_stay_is_changed_without_touching_an_index() {
    const DOCUMENTS: u64 = 200;
    let schema = Schema::new();
    let store = schema.views().connections(1).connect(&url_with("")).await.unwrap();
    let spec = spec("orders", &["customer_id", "total"]);
    store.prepare(&spec).await.unwrap();
    for round in 0..2 {
        let documents = (0..DOCUMENTS).map(|nth| {
            let values = [text("ada"), IndexValue::Int(nth.cast_signed())];
            let data = Json::of(&(round, "x".repeat(100))).unwrap().into();
            let change = Change::Put { data, indexes: values.to_vec() };
            DocumentWrite { change, ..put(&format!("{nth:03}"), 1, &values) }
        });
        store.commit(&spec.id, commit(round, round + 1, documents.collect())).await.unwrap();
    }
    let count = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'orders_v1'";
    let mut connection = connect().await;
    loop {
        let row = sqlx::query(count).bind(&schema.0).fetch_one(&mut connection).await.unwrap();
        let [changed, without_index] = [0, 1].map(|column| row.get::<i64, _>(column).cast_unsigned());
        if changed >= DOCUMENTS {
            assert!(without_index * 100 >= changed * 95, "{without_index} of {changed}");
            break;
        }
        // A server process tells what it has counted once in a second, while it is asked for things.
        store.get(&spec.id, "000").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
