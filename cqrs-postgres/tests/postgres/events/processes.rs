//! Several stores on one log, as several processes have them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cqrs_core::{
    envelope::{EventId, Position, RecordedEvent},
    store::{AppendError, EventFilter, EventStore},
};
use cqrs_postgres::PostgresEventStore;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::sample::{append_at, appended, event, soon, stream, whole_log};
use crate::server::{Schema, connect};

const STORES: u64 = 8;
const WRITERS: u64 = 8;
const APPENDS: u64 = 40;

/// Reads the log while it grows, up to an end.
async fn tail(store: PostgresEventStore, done: Arc<AtomicBool>) -> Vec<RecordedEvent> {
    let mut news = store.watch();
    let mut seen: Vec<RecordedEvent> = Vec::new();
    loop {
        let last = done.load(Ordering::Acquire);
        let after = Position::new(seen.len() as u64);
        let page = store.read_log(after, &EventFilter::ALL, 100).await.unwrap();
        for (event, expected) in page.events.iter().zip(after.get() + 1..) {
            assert_eq!(event.position.get(), expected, "a gap in what the tail reads");
        }
        if page.events.is_empty() {
            if last {
                return seen;
            }
            // Told or not, it looks again.
            drop(tokio::time::timeout(Duration::from_millis(20), news.changed()).await);
        }
        seen.extend(page.events);
    }
}

/// Appends to a stream of its own and to one that all share; a tenth of the appends can't go in.
async fn write(store: Arc<PostgresEventStore>, writer: u64) -> BTreeMap<Position, EventId> {
    let (own, shared) = (stream(&format!("of-{writer}")), stream("shared"));
    let mut acknowledged = BTreeMap::new();
    for nth in 0..APPENDS {
        if nth % 10 == writer % 10 {
            let error = store.append(append_at(&own, nth + 1_000)).await.unwrap_err();
            assert!(matches!(error, AppendError::Conflict { .. }), "{error:?}");
        }
        let mut append = append_at(&own, nth);
        if nth % 4 == 0 {
            append.events.push(event(&shared));
        }
        let ids: Vec<EventId> = append.events.iter().map(|event| event.event_id).collect();
        let appended = appended(store.append(append).await);
        assert_eq!(appended.events[0].version.get(), nth + 1);
        acknowledged.extend(appended.events.iter().map(|written| written.position).zip(ids));
        if (nth + writer).is_multiple_of(7) {
            tokio::time::sleep(Duration::from_millis(writer % 5)).await;
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_tail_reads_under_fire_is_what_was_committed_in_order() {
    let schema = Schema::new();
    // It has written, and holds a lock of its own; it idles for as long as the test runs.
    let mut foreign = connect().await;
    let mut foreign = foreign.begin().await.unwrap();
    let sql = format!("CREATE TABLE \"{}_foreign\" (); SELECT pg_current_xact_id()", schema.0);
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *foreign).await.unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let tail = tokio::spawn(tail(schema.connect_events().await, Arc::clone(&done)));
    let mut writers = Vec::new();
    for of_store in 0..STORES {
        let store = Arc::new(schema.events().connections(1).connect(&crate::server::url()).await.unwrap());
        writers.extend(
            (0..WRITERS).map(|nth| tokio::spawn(write(Arc::clone(&store), of_store * WRITERS + nth))),
        );
    }
    let mut acknowledged = BTreeMap::new();
    for writer in writers {
        acknowledged.extend(soon(writer).await.unwrap());
    }
    done.store(true, Ordering::Release);
    let seen = soon(tail).await.unwrap();
    foreign.rollback().await.unwrap();

    assert_eq!(seen.len() as u64, STORES * WRITERS * (APPENDS + APPENDS / 4));
    assert!(
        seen.iter().map(|event| (event.position, event.event_id)).eq(acknowledged),
        "not what was acknowledged"
    );
    assert_eq!(whole_log(&schema.connect_events().await).await, seen);
}

#[tokio::test]
async fn a_transaction_that_idles_for_long_lets_nothing_pile_up() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    let mut foreign = connect().await;
    let mut foreign = foreign.begin().await.unwrap();
    sqlx::raw_sql("SELECT pg_current_xact_id()").execute(&mut *foreign).await.unwrap();
    for version in 0..100 {
        appended(store.append(append_at(&stream("a"), version)).await);
    }
    // A row that is changed with each append would leave a dead one behind each time, which nobody may remove as long as
    // the transaction is open, and which everybody has to pass over.
    let sql = format!(
        "SELECT relname::text FROM pg_class WHERE relnamespace = '\"{}\"'::regnamespace AND relkind = 'r'
             AND relname <> 'events' AND relname <> 'commands' AND pg_relation_size(oid) > 8192",
        schema.0
    );
    let grown = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connect().await).await.unwrap();
    assert!(grown.is_empty(), "{:?} grows with each append", grown[0].get::<String, _>(0));
    foreign.rollback().await.unwrap();
}
