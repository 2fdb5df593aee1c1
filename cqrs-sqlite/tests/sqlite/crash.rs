//! What the death of a program leaves behind.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use cqrs_core::store::EventStore;
use cqrs_sqlite::SqliteEventStore;
use rusqlite::Connection;

use crate::sample::{append, append_at, appended, fresh_path, stream, whole_log};

/// Names the file in the environment of a child, which is this test once more.
const FILE: &str = "CQRS_SQLITE_CRASH_FILE";
const TEST: &str = "crash::what_was_acknowledged_survives_a_kill";

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    if let Some(file) = std::env::var_os(FILE) {
        runtime.block_on(append_until_killed(Path::new(&file)));
        return;
    }
    let (_folder, path) = fresh_path();
    let mut acknowledged = Vec::new();
    for round in 1..=5 {
        let mut child = start(&path);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = 20 * round;
        // What the child wrote before it died is read to the end.
        for line in lines.map_while(Result::ok) {
            let Some(number) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged.push(number.parse::<u64>().unwrap());
            left -= 1;
            if left == 0 {
                child.kill().unwrap();
            }
        }
        assert!(left <= 0, "the child ended by itself");
        child.wait().unwrap();
        let log = runtime.block_on(async {
            let store = SqliteEventStore::open(&path).await.unwrap();
            let log = whole_log(&store).await;
            for event in &log {
                let command = store.command(event.metadata.command_id).await.unwrap();
                assert!(
                    command.is_some_and(|command| command.events.contains(event)),
                    "half an append: {event:?}"
                );
            }
            log
        });
        for position in &acknowledged {
            assert!(*position <= log.len() as u64, "the event at {position} was lost in round {round}");
        }
        let check: String = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Several tasks, so that commits hold several appends; each tells the position as soon as it knows it.
async fn append_until_killed(path: &Path) {
    let store = std::sync::Arc::new(SqliteEventStore::open(path).await.unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move {
                // A parent that is gone closes the pipe; nobody is to append for ever.
                let mut told = true;
                while told {
                    let appended = appended(store.append(append(&stream("a"))).await);
                    let mut out = std::io::stdout().lock();
                    told = writeln!(out, "\nacknowledged {}", appended.position)
                        .and_then(|()| out.flush())
                        .is_ok();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_wal_index_is_built_anew() {
    let (folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
    for version in 0..10 {
        appended(store.append(append_at(&stream("a"), version)).await);
    }
    // As after the loss of power: the write-ahead log is there, its index in shared memory is not.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let copy = SqliteEventStore::open(&copy).await.unwrap();
    assert_eq!(whole_log(&copy).await, whole_log(&store).await);
    assert_eq!(copy.log_id(), store.log_id());
}
