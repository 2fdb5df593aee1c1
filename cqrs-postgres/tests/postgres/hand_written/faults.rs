//! What stands in its way, and whose fault that is.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::App,
    runtime::{ProjectionState, RuntimeOptions},
};
use cqrs_postgres::{HandWritten, sqlx};

use super::{
    ledger::Ledger,
    log,
    scene::{append, curse, deposit, eventually},
};
use crate::server::{Schema, connect, url};

#[tokio::test]
async fn an_event_at_fault_is_parked_with_its_stream_and_the_others_go_on() {
    for (by, why) in [
        ("own error", "there is a curse on it"),
        ("panic", "there is a curse on it"),
        ("broken rule kept to itself", "current transaction is aborted"),
        ("broken rule at the end", "violates foreign key constraint"),
    ] {
        assert_parked(curse("poor", by), why).await;
    }
    assert_parked(
        deposit("poor", -1),
        "the tables said no: error returned from database: new row for relation",
    )
    .await;
    assert_parked(deposit("poor", i64::MAX), "out of range").await;
    assert_parked(("poor", "deposited", "{}".to_owned()), "missing field `amount`").await;
    assert_parked(("poor", "robbed", "{}".to_owned()), "`robbed` is unknown").await;
}

async fn assert_parked(fault: (&str, &str, String), why: &str) {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("poor", 1), deposit("a", 2), fault, deposit("poor", 3), deposit("b", 4)]).await;
    let app = ledger.app(&log, 100).await;
    ledger.caught_up(&*log).await;
    app.shutdown().await;
    // Also after a restart.
    let app = ledger.app(&log, 100).await;
    append(&*log, &[deposit("poor", 5), deposit("a", 6)]).await;
    ledger.assert_as_the_log(&*log).await;
    let letters = ledger.letters().await;
    let found: Vec<_> = letters.iter().map(|(position, stream, _)| (*position, stream.as_str())).collect();
    assert_eq!(found, [(3, "account/poor"), (4, "account/poor"), (6, "account/poor")]);
    assert!(letters[0].2.contains(why), "{letters:?}");
    assert!(letters[1..].iter().all(|(.., reason)| reason == "queued"), "{letters:?}");
    let health = app.health().await.projections.remove(0);
    assert_eq!((health.parked, health.is_well()), (3, false));
}

#[tokio::test]
async fn what_may_pass_parks_nothing_and_is_tried_again() {
    for by in ["lost connection", "lost connection kept to itself", "collision", "missing table"] {
        assert_tried_again(by, 3, |hand_written| hand_written).await;
    }
}

#[tokio::test]
async fn what_takes_too_long_is_tried_again() {
    assert_tried_again("slow statement", 2, |hand_written| hand_written).await;
    assert_tried_again("slow code", 1, |hand_written| hand_written.time_limit(Duration::from_secs(3))).await;
}

async fn assert_tried_again(by: &str, strikes: usize, set: fn(HandWritten<Ledger>) -> HandWritten<Ledger>) {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    ledger.seen.strikes.store(strikes, SeqCst);
    append(&*log, &[deposit("a", 1), curse("poor", by), deposit("b", 2)]).await;
    let options = ledger.schema.views().statement_timeout(Some(Duration::from_secs(1)));
    let views = Arc::new(options.connect(&url()).await.unwrap());
    let app = App::builder(Arc::clone(&log))
        .batch_projection(set(views.sql(ledger.clone())))
        .runtime(RuntimeOptions::default().longest_pause(Duration::from_millis(40)))
        .build()
        .await
        .unwrap();
    ledger.assert_as_the_log(&*log).await;
    ledger.assert_nothing_is_parked().await;
    assert_eq!(*ledger.seen.batches.lock().unwrap(), vec![[1, 2, 3]; strikes + 1], "{by}");
    app.shutdown().await;
}

#[tokio::test]
async fn its_health_says_what_is_in_the_way() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    ledger.seen.strikes.store(usize::MAX, SeqCst);
    append(&*log, &[curse("poor", "missing table")]).await;
    let app = ledger.app(&log, 100).await;
    eventually("it says so", async || match app.health().await.projections.remove(0).state {
        ProjectionState::Retrying { error, .. } => error.contains("no_such_table"),
        _ => false,
    })
    .await;
    ledger.seen.strikes.store(0, SeqCst);
    ledger.caught_up(&*log).await;
    eventually("it is well", async || app.health().await.is_well()).await;
}

#[tokio::test]
async fn connections_that_are_ended_at_any_moment_change_nothing() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    for _ in 0..40 {
        let events: Vec<_> = (0..25).map(|nth| deposit(["a", "b", "c"][nth % 3], 1)).collect();
        append(&*log, &events).await;
    }
    let name = format!("victim_{}", &ledger.schema.0);
    let separator = if url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}application_name={name}", url());
    let views = Arc::new(ledger.schema.views().connect(&url).await.unwrap());
    let app = App::builder(Arc::clone(&log))
        .batch_projection(views.sql(ledger.clone()))
        .runtime(RuntimeOptions::default().batch(10).longest_pause(Duration::from_millis(2)))
        .build()
        .await
        .unwrap();
    let ending = tokio::spawn(async move {
        let db = &mut connect().await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE application_name = left($1, 63) AND backend_type = 'client backend' AND state <> 'idle'";
        let mut ended = 0;
        while ended < 40 {
            let now: i64 = sqlx::query_scalar(end).bind(&name).fetch_one(&mut *db).await.unwrap();
            ended += now;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let endless = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            loop {
                append(&*log, &[deposit("d", 1)]).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    ending.await.unwrap();
    endless.abort();
    ledger.assert_as_the_log(&*log).await;
    ledger.assert_nothing_is_parked().await;
    let came = ledger.seen.batches.lock().unwrap().concat();
    let head = log.head().await.unwrap().get();
    assert!(came.len() as u64 > head + 20, "it was hardly ever interrupted: {} of {head}", came.len());
    app.shutdown().await;
}
