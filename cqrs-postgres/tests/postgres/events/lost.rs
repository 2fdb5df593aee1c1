//! Connections that are lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::store::{AppendError, AppendOutcome, Error, EventStore, Load};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::watch;

use super::sample::{append, append_at, appended, event, soon, stream, whole_log};
use crate::{
    proxy::{Mode, Proxy},
    server::{Schema, connect, url},
};

/// Short enough to wait for.
const TIMEOUT: Duration = Duration::from_secs(1);

const WRITERS: u64 = 8;
const APPENDS: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_ended_under_load_cost_no_append_and_double_none() {
    let schema = Schema::new();
    let separator = if url().contains('?') { '&' } else { '?' };
    let named = format!("{}{separator}application_name={}", url(), schema.0);
    let store = Arc::new(schema.events().connect(&named).await.unwrap());
    // After every few appends, so that there are always some on their way.
    let (count, mut counted) = watch::channel(0);
    let ending = tokio::spawn({
        let name = schema.0.clone();
        async move {
            let mut superuser = connect().await;
            let mut ended = 0;
            for next in (5..WRITERS * APPENDS).step_by(17) {
                counted.wait_for(|count| *count >= next).await.unwrap();
                let sql = format!(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{name}'"
                );
                let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut superuser).await.unwrap();
                ended += row.get::<i64, _>(0);
            }
            ended
        }
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, count) = (Arc::clone(&store), count.clone());
            tokio::spawn(async move {
                let stream = stream(&format!("of-{writer}"));
                let mut acknowledged = Vec::new();
                for version in 0..APPENDS {
                    let mut append = append_at(&stream, version);
                    if version % 2 == 0 {
                        append.command = None;
                    }
                    let id = append.events[0].event_id;
                    let appended = appended(store.append(append).await);
                    assert_eq!(appended.events[0].version.get(), version + 1);
                    acknowledged.push((appended.position, id, appended.time));
                    count.send_modify(|count| *count += 1);
                    if version % 10 == 0 {
                        let load = Load { stream: &stream, snapshot: None, command: None };
                        assert_eq!(store.load(load).await.unwrap().events.len() as u64, version + 1);
                    }
                }
                acknowledged
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(soon(writer).await.unwrap());
    }
    assert!(ending.await.unwrap() > 40, "hardly any connection was ended");
    acknowledged.sort_unstable();
    let log = whole_log(&schema.connect_events().await).await;
    let log: Vec<_> = log.iter().map(|event| (event.position, event.event_id, event.metadata.time)).collect();
    assert_eq!(log, acknowledged);
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_answered_with_what_happened() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let direct = schema.connect_events().await;
    let store = Arc::new(schema.events().connect(&proxy.url()).await.unwrap());
    let mut news = direct.watch();
    appended(store.append(append_at(&stream("connects"), 0)).await);
    for with_command in [false, true] {
        let stream = stream(&format!("with-command-{with_command}"));
        let mut append = append_at(&stream, 0);
        append.events.push(event(&stream));
        if !with_command {
            append.command = None;
        }
        let before = whole_log(&direct).await.len();
        proxy.set(Mode::Deaf);
        let waiting = tokio::spawn({
            let (store, append) = (Arc::clone(&store), append.clone());
            async move { store.append(append).await }
        });
        soon(news.wait_for(|head| head.get() == before as u64 + 2)).await.unwrap();
        // It is in the log, somebody else comes next, and the store does not know of either.
        appended(direct.append(append_at(&stream, 2)).await);
        proxy.cut().await;
        proxy.set(Mode::Open);
        let told = appended(soon(waiting).await.unwrap());
        let log = whole_log(&direct).await;
        assert_eq!(log.len(), before + 3, "it was appended twice");
        let written = &log[before..before + 2];
        assert_eq!(
            (told.events.len(), told.position, told.time),
            (2, written[1].position, written[1].metadata.time)
        );
        for (told, (event, given)) in told.events.iter().zip(written.iter().zip(&append.events)) {
            assert_eq!((told.version, told.position), (event.version, event.position));
            assert_eq!(event.event_id, given.event_id);
        }
    }
}

#[tokio::test]
async fn an_append_that_never_arrived_is_sent_again() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let store = Arc::new(schema.events().connect(&proxy.url()).await.unwrap());
    appended(store.append(append_at(&stream("a"), 0)).await);
    proxy.set(Mode::Frozen);
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(append_at(&stream("a"), 1)).await }
    });
    // The statement is on the wire, and gets lost there.
    soon(proxy.loses()).await;
    proxy.cut().await;
    proxy.set(Mode::Open);
    assert_eq!(appended(soon(waiting).await.unwrap()).events[0].version.get(), 2);
    assert_eq!(whole_log(&*store).await.len(), 2);
}

#[tokio::test]
async fn where_nobody_answers_in_time_the_outcome_is_unknown_and_can_be_found_out() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let store = schema.events().timeout(TIMEOUT).connect(&proxy.url()).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    for mode in [Mode::Deaf, Mode::Frozen] {
        proxy.set(mode);
        let unsure = append(&stream("a"));
        let start = Instant::now();
        let error = store.append(unsure.clone()).await.unwrap_err();
        assert!(matches!(error, AppendError::OutcomeUnknown { .. }), "{error:?}");
        assert!(error.is_retryable());
        assert!(start.elapsed() < 3 * TIMEOUT, "it took {:?} to give up", start.elapsed());
        let load = Load { stream: &stream("a"), snapshot: None, command: None };
        let error = store.load(load).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        proxy.set(Mode::Open);
        let outcome = store.append(unsure.clone()).await.unwrap();
        assert_eq!(matches!(outcome, AppendOutcome::Repeated(_)), mode == Mode::Deaf, "{outcome:?}");
        let log = whole_log(&store).await;
        let found = log.iter().filter(|event| event.event_id == unsure.events[0].event_id);
        assert_eq!(found.count(), 1);
    }
}

/// Those that wait for their turn have no more time than the others.
#[tokio::test]
async fn many_loads_from_a_server_that_does_not_answer_all_end_in_time() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let store = Arc::new(schema.events().timeout(TIMEOUT).connect(&proxy.url()).await.unwrap());
    appended(store.append(append(&stream("a"))).await);
    proxy.set(Mode::Frozen);
    let start = Instant::now();
    let loads: Vec<_> = (0..1_000)
        .map(|nth| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let stream = stream(&nth.to_string());
                store.load(Load { stream: &stream, snapshot: None, command: None }).await
            })
        })
        .collect();
    for load in loads {
        let error = soon(load).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    assert!(start.elapsed() < 3 * TIMEOUT, "it took {:?} to give up", start.elapsed());
    proxy.set(Mode::Open);
    let stream = stream("a");
    let loaded = soon(store.load(Load { stream: &stream, snapshot: None, command: None })).await.unwrap();
    assert_eq!(loaded.events.len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_in_time_and_used_again_when_it_is_back() {
    let (schema, proxy) = (Schema::new(), Proxy::new().await);
    let store = schema.events().timeout(TIMEOUT).connect(&proxy.url()).await.unwrap();
    let mut news = store.watch();
    appended(store.append(append(&stream("a"))).await);
    proxy.cut().await;
    let start = Instant::now();
    // The connection that appends may have been cut before or after this is sent.
    let error = store.append(append_at(&stream("b"), 0)).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let error = store.append(append_at(&stream("b"), 0)).await.unwrap_err();
    assert!(matches!(error, AppendError::Store(Error::Unavailable { .. })), "{error:?}");
    let error = store.head().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(start.elapsed() < 6 * TIMEOUT, "it took {:?} to give up", start.elapsed());
    proxy.set(Mode::Open);
    let position = appended(store.append(append_at(&stream("b"), 0)).await).position;
    assert_eq!(whole_log(&store).await.len() as u64, position.get());
    soon(news.wait_for(|head| *head == position)).await.unwrap();
    let other = schema.connect_events().await;
    let position = appended(other.append(append(&stream("a"))).await).position;
    soon(news.wait_for(|head| *head == position)).await.unwrap();
}
