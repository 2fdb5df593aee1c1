//! An event that goes into the log alone takes a shorter way, and is told the same.

use cqrs_core::store::{Append, AppendError, EventStore, Past};
use sqlx::{AssertSqlSafe, Row as _};

use super::sample::{append, append_at, appended, event, stream, whole_log};
use crate::server::{Schema, connect, run};

/// Without a command, to a version that needs no look.
fn lone(id: &str, version: u64, past: Past) -> Append {
    Append { command: None, past, ..append_at(&stream(id), version) }
}

/// Notes of each event which way it went.
async fn note(schema: &Schema) {
    run(format!(
        "CREATE TABLE \"{0}\".ways (position bigint, short boolean);
         CREATE FUNCTION \"{0}\".note_way() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO \"{0}\".ways VALUES (NEW.position, current_query() NOT LIKE '%.append(%');
             RETURN NULL;
         END
         $$;
         CREATE TRIGGER note_way AFTER INSERT ON \"{0}\".events FOR EACH ROW EXECUTE FUNCTION \"{0}\".note_way()",
        schema.0
    ))
    .await;
}

async fn ways(schema: &Schema) -> Vec<bool> {
    let noted = format!("SELECT short FROM \"{}\".ways ORDER BY position", schema.0);
    let rows = sqlx::raw_sql(AssertSqlSafe(noted)).fetch_all(&mut connect().await).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_short_way_is_taken_where_nobody_else_has_appended() {
    let schema = Schema::new();
    let (store, other) = (schema.connect_events().await, schema.connect_events().await);
    note(&schema).await;
    // The first one finds out where the log ends.
    let past = appended(store.append(lone("a", 0, Past::UNKNOWN)).await).past;
    appended(store.append(lone("a", 1, past)).await);
    appended(store.append(lone("b", 0, Past::UNKNOWN)).await);
    // A version that somebody must look up, a command, two events, any version.
    appended(store.append(lone("b", 1, Past::UNKNOWN)).await);
    appended(store.append(append_at(&stream("c"), 0)).await);
    let two = vec![event(&stream("d")), event(&stream("d"))];
    appended(store.append(Append { events: two, ..lone("d", 0, Past::UNKNOWN) }).await);
    appended(store.append(Append { command: None, ..append(&stream("c")) }).await);
    // After somebody else has, it is taken again once one has found nobody on the long way.
    appended(other.append(lone("e", 0, Past::UNKNOWN)).await);
    for version in 2..6 {
        assert_eq!(appended(store.append(lone("a", version, past)).await).past, past);
    }
    let long = false;
    assert_eq!(
        ways(&schema).await,
        [long, true, true, long, long, long, long, long, long, long, long, true, true]
    );
    let log = whole_log(&store).await;
    let of_a: Vec<u64> =
        log.iter().filter(|event| event.stream == stream("a")).map(|event| event.version.get()).collect();
    assert_eq!(of_a, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn what_is_wrong_with_it_is_told_as_on_the_long_way() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let first = lone("a", 0, Past::UNKNOWN);
    let id = first.events[0].event_id;
    let past = appended(store.append(first).await).past;
    let outcome = store.append(lone("a", 0, Past::UNKNOWN)).await;
    let Err(AppendError::Conflict { expected, actual, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((expected.get(), actual.get()), (0, 1));
    let mut again = lone("a", 1, past);
    again.events[0].event_id = id;
    let outcome = store.append(again).await;
    assert!(
        matches!(&outcome, Err(AppendError::DuplicateEventId { event_id }) if *event_id == id),
        "{outcome:?}"
    );
    assert_eq!(appended(store.append(lone("a", 1, past)).await).position.get(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_that_append_one_by_one_lose_nothing_and_leave_no_gap() {
    const STORES: usize = 4;
    const APPENDS: u64 = 60;
    /// Each has the log to itself for every fourth stretch of appends.
    const STRETCH: u64 = 5;
    let schema = Schema::new();
    drop(schema.connect_events().await);
    note(&schema).await;
    let turns = std::sync::Arc::new(tokio::sync::RwLock::new(()));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..STORES {
        let store = schema.connect_events().await;
        let turns = std::sync::Arc::clone(&turns);
        writers.spawn(async move {
            let (name, mut past) = (format!("of-{number}"), Past::UNKNOWN);
            let mut alone = None;
            for version in 0..APPENDS {
                if version % STRETCH == 0 {
                    drop(alone.take());
                    if version / STRETCH % STORES as u64 == number as u64 {
                        alone = Some(turns.write().await);
                    }
                }
                let _together = if alone.is_none() { Some(turns.read().await) } else { None };
                let written = appended(store.append(lone(&name, version, past)).await);
                assert_eq!(written.events[0].version.get(), version + 1);
                past = written.past;
            }
        });
    }
    writers.join_all().await;
    let store = schema.connect_events().await;
    assert_eq!(whole_log(&store).await.len() as u64, STORES as u64 * APPENDS);
    let ways = ways(&schema).await;
    assert!(ways.contains(&true) && ways.contains(&false), "one of the ways was not taken");
}
