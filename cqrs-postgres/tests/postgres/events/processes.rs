//! Several processes that append to one log.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cqrs_core::{
    envelope::{EventId, Position, RecordedEvent},
    runtime::with_causes,
    store::{AppendError, AppendOutcome, EventFilter, EventStore},
};
use cqrs_postgres::PostgresEventStore;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::runtime::{Builder, Runtime};

use super::sample::{append_at, appended, event, soon, stream, whole_log};
use crate::server::{Schema, connect, run, url};

const PROCESSES: u64 = 8;
const WRITERS: u64 = 8;
const APPENDS: u64 = 40;

/// Name the schema and the process in the environment of a child, which is this test once more.
const SCHEMA: &str = "CQRS_POSTGRES_TEST_SCHEMA";
const PROCESS: &str = "CQRS_POSTGRES_TEST_PROCESS";
const TEST: &str = "events::processes::what_a_tail_reads_under_fire_is_what_was_committed_in_order";

#[test]
fn what_a_tail_reads_under_fire_is_what_was_committed_in_order() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match std::env::var(SCHEMA) {
        Ok(schema) => runtime.block_on(write_for_a_parent(schema)),
        Err(_) => under_fire(&runtime),
    }
}

fn under_fire(runtime: &Runtime) {
    let schema = Schema::new();
    // It has written, and holds a lock of its own; it idles for as long as the test runs.
    let mut foreign = runtime.block_on(connect());
    let foreign = runtime.block_on(async {
        let mut foreign = foreign.begin().await.unwrap();
        let sql = format!("CREATE TABLE \"{}_foreign\" (); SELECT pg_current_xact_id()", schema.0);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *foreign).await.unwrap();
        foreign
    });
    let store = runtime.block_on(schema.connect_events());
    runtime.block_on(run(trouble(&schema)));

    let done = Arc::new(AtomicBool::new(false));
    let tail = runtime.spawn(tail(store, Arc::clone(&done)));
    let children: Vec<_> = (0..PROCESSES).map(|process| start(&schema, process)).collect();
    let mut acknowledged = BTreeMap::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "a writing process has failed: {}", output.status);
        acknowledged.extend(String::from_utf8(output.stdout).unwrap().lines().filter_map(told));
    }
    done.store(true, Ordering::Release);
    let seen = runtime.block_on(soon(tail)).unwrap();
    runtime.block_on(foreign.rollback()).unwrap();

    assert_eq!(seen.len() as u64, PROCESSES * WRITERS * (APPENDS + APPENDS / 4));
    assert!(
        seen.iter().map(|event| (event.position, event.event_id)).eq(acknowledged),
        "not what was acknowledged"
    );
    runtime.block_on(async {
        assert_eq!(whole_log(&schema.connect_events().await).await, seen);
        let counted = format!("SELECT last_value FROM \"{}\".rolled_back", schema.0);
        let row = sqlx::raw_sql(AssertSqlSafe(counted)).fetch_one(&mut connect().await).await.unwrap();
        assert!(row.get::<i64, _>(0) > 20, "hardly any transaction was rolled back");
    });
}

/// Lets transactions take a while at two places, at random, and rolls a tenth of them back, one half of those with an
/// error that asks for another try and one half with one that does not.
fn trouble(Schema(schema): &Schema) -> String {
    format!(
        "CREATE SEQUENCE \"{schema}\".rolled_back;
         CREATE FUNCTION \"{schema}\".trouble() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM pg_sleep(random() * 0.003);
             IF TG_WHEN = 'AFTER' AND random() < 0.1 THEN
                 PERFORM nextval('\"{schema}\".rolled_back');
                 IF random() < 0.5 THEN
                     RAISE EXCEPTION 'rolled back' USING ERRCODE = 'serialization_failure';
                 END IF;
                 RAISE EXCEPTION 'rolled back';
             END IF;
             RETURN NULL;
         END
         $$;
         CREATE TRIGGER late BEFORE INSERT ON \"{schema}\".events
             FOR EACH STATEMENT EXECUTE FUNCTION \"{schema}\".trouble();
         CREATE TRIGGER late_again AFTER INSERT ON \"{schema}\".events
             FOR EACH STATEMENT EXECUTE FUNCTION \"{schema}\".trouble();"
    )
}

fn start(schema: &Schema, process: u64) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(SCHEMA, &schema.0)
        .env(PROCESS, process.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child tells of an event; its output has other lines, too.
fn told(line: &str) -> Option<(Position, EventId)> {
    let (position, id) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((Position::new(position.parse().unwrap()), EventId::from_uuid(id.parse().unwrap())))
}

async fn write_for_a_parent(schema: String) {
    // The parent drops it.
    let schema = Arc::new(Schema(schema));
    std::mem::forget(Arc::clone(&schema));
    let process: u64 = std::env::var(PROCESS).unwrap().parse().unwrap();
    let store = Arc::new(schema.events().connections(1).connect(&url()).await.unwrap());
    let writers: Vec<_> =
        (0..WRITERS).map(|nth| tokio::spawn(write(Arc::clone(&store), process * WRITERS + nth))).collect();
    for writer in writers {
        let acknowledged = soon(writer).await.unwrap();
        let mut parent = io::stdout().lock();
        writeln!(parent).unwrap();
        for (position, id) in acknowledged {
            writeln!(parent, "acknowledged {} {}", position.get(), id.as_uuid()).unwrap();
        }
    }
}

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
        let appended = loop {
            match store.append(append.clone()).await {
                Ok(AppendOutcome::Appended(appended)) => break appended,
                // What was said to be rolled back is nowhere to be found.
                Err(AppendError::Store(error)) => {
                    assert!(with_causes(&error).contains("rolled back"), "{error:?}");
                }
                other => panic!("it was to be appended: {other:?}"),
            }
        };
        assert_eq!(appended.events[0].version.get(), nth + 1);
        acknowledged.extend(appended.events.iter().map(|written| written.position).zip(ids));
        if (nth + writer).is_multiple_of(7) {
            tokio::time::sleep(Duration::from_millis(writer % 5)).await;
        }
    }
    acknowledged
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
