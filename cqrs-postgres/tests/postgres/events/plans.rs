//! What is read by its place is found by an index.

use cqrs_core::{
    envelope::Position,
    store::{Append, EventFilter, EventStore, Selector},
};
use sqlx::{AssertSqlSafe, Row as _};

use super::sample::{append, appended, event, soon, stream};
use crate::server::{Schema, connect, run};

/// The plan of a statement for arguments that are not known.
async fn plan(sql: &str, types: &str, arguments: &str, schema: &Schema) -> String {
    let sql = sql.replace("{schema}", &format!("\"{}\"", schema.0));
    let mut connection = connect().await;
    let prepare = format!(
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;
         PREPARE it ({types}) AS {sql}"
    );
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
    let explain = format!("EXPLAIN EXECUTE it ({arguments})");
    let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
    lines.iter().map(|line| line.get::<String, _>(0) + "\n").collect()
}

#[tokio::test]
async fn streams_and_pages_are_read_by_an_index_without_sorting() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let by_stream = "events_category_stream_id_version_key";
    let statements = [
        (
            include_str!("../../../src/log/sql/stream_after.sql"),
            "text, text, bigint, bigint",
            "'a', 'b', 1, 9",
            by_stream,
        ),
        (
            include_str!("../../../src/log/sql/stream_before.sql"),
            "text, text, bigint, bigint",
            "'a', 'b', 1, 9",
            by_stream,
        ),
        (
            include_str!("../../../src/log/sql/load.sql"),
            "text[], text[], bigint[]",
            "'{a}', '{b}', '{1}'",
            by_stream,
        ),
        (
            include_str!("../../../src/log/sql/load_with_commands.sql"),
            "text[], text[], bigint[], uuid[]",
            "'{a}', '{b}', '{1}', '{NULL}'",
            by_stream,
        ),
        (
            include_str!("../../../src/log/sql/save_snapshot.sql"),
            "text, text, bigint, uuid, bigint, json",
            "'a', 'b', 1, '018f0000-0000-7000-8000-000000000000', 1, '{}'",
            "_key on events",
        ),
        (include_str!("../../../src/log/sql/page.sql"), "bigint, bigint, bigint", "1, 2, 3", "events_pkey"),
        (
            include_str!("../../../src/log/sql/filtered_page.sql"),
            "bigint, bigint, bigint, text[], text[], text[]",
            "1, 2, 3, '{a}', '{b}', '{}'",
            "events_pkey",
        ),
        (include_str!("../../../src/log/sql/command.sql"), "uuid", "NULL", "commands_pkey"),
        (include_str!("../../../src/log/sql/head.sql"), "bigint", "1", "events_pkey"),
    ];
    for rounds in 0..3 {
        // With an empty table, with a table that PostgreSQL has not looked at, and with one that it has.
        for (sql, types, arguments, index) in statements {
            let plan = plan(sql, types, arguments, &schema).await;
            assert!(plan.contains(index), "in round {rounds} the index {index} is not used:\n{sql}\n{plan}");
            assert!(
                !plan.contains("Seq Scan on events"),
                "in round {rounds} all events are read:\n{sql}\n{plan}"
            );
            assert!(
                !plan.contains("Join Filter"),
                "in round {rounds} more is read than is wanted:\n{sql}\n{plan}"
            );
            assert!(!plan.contains("Sort"), "in round {rounds} events are sorted:\n{sql}\n{plan}");
        }
        let events = (0..5_000).map(|nth| event(&stream(&(nth % 500).to_string()))).collect();
        appended(store.append(Append { events, ..append(&stream("a")) }).await);
        if rounds > 0 {
            run(format!("ANALYZE \"{}\".events", schema.0)).await;
        }
    }
}

#[tokio::test]
async fn a_page_reads_no_more_of_the_log_than_it_has_to() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let events = (0..5_000).map(|nth| event(&stream(&(nth % 500).to_string()))).collect();
    appended(store.append(Append { events, ..append(&stream("a")) }).await);
    drop(store);
    let selector = Selector { category: "order".to_owned(), names: Some(vec!["placed".to_owned()]) };
    let filters = [EventFilter::ALL, EventFilter { any_of: Some(vec![selector]) }];
    for options in [schema.events(), schema.events().pgbouncer(true)] {
        let before = reads(&schema).await;
        let store = options.connect(&crate::server::url()).await.unwrap();
        for filter in &filters {
            // More often than PostgreSQL looks at the arguments before it keeps to one plan.
            for _ in 0..10 {
                let page = store.read_log(Position::new(100), filter, 10).await.unwrap();
                assert_eq!(page.events.len(), 10);
            }
        }
        // A connection tells what it has read when it ends.
        drop(store);
        let read = soon(async {
            loop {
                let read = reads(&schema).await - before;
                if read >= 20 * 10 {
                    return read;
                }
            }
        })
        .await;
        assert!(read < 20 * 30, "{read} events were looked at for 20 pages of 10");
    }
}

/// How many events have been looked at so far.
async fn reads(schema: &Schema) -> i64 {
    let sql = format!(
        "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE schemaname = '{0}'
         UNION ALL SELECT seq_tup_read FROM pg_stat_user_tables WHERE schemaname = '{0}' AND relname = 'events'",
        schema.0
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connect().await).await.unwrap();
    rows.iter().map(|row| row.get::<i64, _>(0)).sum()
}
