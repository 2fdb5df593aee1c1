//! While a page is written, the next one is folded, the one after it is taken in, and the one after that is read.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::App,
    envelope::Position,
    runtime::{ProjectionHealth, ProjectionState, RuntimeOptions},
    store::{LogPage, ProjectionId, ViewStore},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{
        account_stream, append, assert_equals_a_fold_from_scratch, begun, caught_up, eventually, health,
    },
};

async fn log_of(events: u32) -> FaultyLog {
    let log = FaultyLog::new();
    fill(&log, events).await;
    log
}

async fn fill(log: &FaultyLog, events: u32) {
    for event in 0..events {
        append(log, &account_stream(&format!("a{event}")), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    }
}

async fn app(log: &FaultyLog, views: &FaultyViews) -> App {
    app_with(log, views, RuntimeOptions::default()).await
}

async fn app_with(log: &FaultyLog, views: &FaultyViews, options: RuntimeOptions) -> App {
    let options = options.batch(2);
    App::builder(log.clone()).projection::<Balance>(views.clone()).runtime(options).build().await.unwrap()
}

fn reads(log: &FaultyLog) -> Vec<u64> {
    log.faults.reads.lock().unwrap().iter().map(|after| after.get()).collect()
}

/// Until nothing moves any more: the clock only does when nothing else can.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_page_is_written_one_is_folded_one_taken_in_and_one_read_and_no_more() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    fill(&log, 13).await;
    views.shut();
    let app = app(&log, &views).await;
    rest().await;
    assert_eq!(reads(&log), [1, 3, 5, 7]);
    assert_eq!((views.faults.loads.load(SeqCst), views.faults.commits.load(SeqCst)), (2, 0));
    views.open();
    caught_up::<Balance>(&log, &views).await;
    app.shutdown().await;
    assert_eq!(reads(&log), [1, 3, 5, 7, 9, 11, 13]);
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn catching_up_takes_the_longest_of_reading_folding_and_writing_and_not_all() {
    for (read, load, commit) in [(10, 10, 10), (30, 5, 5), (5, 30, 5), (5, 5, 30)] {
        let (log, views) = (FaultyLog::new(), FaultyViews::new());
        begun::<Balance>(&log, &views).await;
        fill(&log, 40).await;
        log.faults.read_millis.store(read, SeqCst);
        views.faults.load_millis.store(load, SeqCst);
        views.faults.commit_millis.store(commit, SeqCst);
        let started = tokio::time::Instant::now();
        let app = app(&log, &views).await;
        caught_up::<Balance>(&log, &views).await;
        let pages = 20;
        let longest = read.max(load).max(commit);
        let once = read + load + commit - longest;
        assert_eq!(started.elapsed().as_millis(), u128::from(once + pages * longest));
        app.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn news_that_come_when_the_last_page_is_there_already_are_followed_at_once() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    fill(&log, 6).await;
    views.faults.load_millis.store(10, SeqCst);
    let options = RuntimeOptions::default().heartbeat(Duration::from_mins(10));
    let app = app_with(&log, &views, options).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(reads(&log), [1, 3, 5], "all that there is");
    let news = tokio::time::Instant::now();
    append(&log, &account_stream("news"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    caught_up::<Balance>(&log, &views).await;
    assert!(news.elapsed() < Duration::from_secs(1), "{:?}", news.elapsed());
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_head_nothing_is_read_ahead() {
    let (log, views) = (log_of(1).await, FaultyViews::new());
    views.shut();
    let app = app(&log, &views).await;
    rest().await;
    assert_eq!(reads(&log), [0]);
    views.open();
    caught_up::<Balance>(&log, &views).await;
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn pages_that_were_read_ahead_are_thrown_away_when_the_commit_fails() {
    let (log, views) = (log_of(9).await, FaultyViews::new());
    views.shut();
    let app = app(&log, &views).await;
    rest().await;
    views.faults.away.store(true, SeqCst);
    views.open();
    eventually("the commit has failed", async || views.faults.commits.load(SeqCst) > 0).await;
    assert_eq!(reads(&log), [0, 2, 4, 6]);
    views.faults.away.store(false, SeqCst);
    caught_up::<Balance>(&log, &views).await;
    app.shutdown().await;
    assert_eq!(reads(&log), [0, 2, 4, 6, 0, 2, 4, 6, 8]);
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_read_ahead_is_thrown_away_when_another_writer_was_faster() {
    let (log, views) = (log_of(9).await, FaultyViews::new());
    let other = views.without_its_leases();
    views.shut();
    let slow = app(&log, &views).await;
    rest().await;
    let quick = app(&log, &other).await;
    caught_up::<Balance>(&log, &views).await;
    quick.shutdown().await;
    views.open();
    eventually("it has noticed", async || reads(&log).last() == Some(&9)).await;
    slow.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

/// From the second page on, reads wait.
fn hold_what_is_read_ahead(log: &FaultyLog) {
    let faults = Arc::clone(&log.faults);
    let hold = move |_: &mut LogPage| {
        faults.reads_wait.send_replace(true);
    };
    log.faults.edit_page.lock().unwrap().replace(Box::new(hold));
}

async fn position(views: &FaultyViews) -> u64 {
    let checkpoint = views.inner.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap();
    checkpoint.unwrap().position.get()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_does_not_undo_the_page_before_it() {
    let (log, views) = (log_of(5).await, FaultyViews::new());
    views.shut();
    hold_what_is_read_ahead(&log);
    let app = app(&log, &views).await;
    rest().await;
    assert_eq!(reads(&log), [0, 2]);
    log.faults.away.store(true, SeqCst);
    log.faults.edit_page.lock().unwrap().take();
    log.faults.reads_wait.send_replace(false);
    rest().await;
    views.open();
    let retries = |health: ProjectionHealth| matches!(health.state, ProjectionState::Retrying { .. });
    eventually("it tries again", async || retries(health::<Balance>(&app).await)).await;
    assert_eq!(position(&views).await, 2);
    log.faults.away.store(false, SeqCst);
    caught_up::<Balance>(&log, &views).await;
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_page_that_is_written_and_not_for_the_one_that_is_read() {
    let (log, views) = (log_of(5).await, FaultyViews::new());
    views.shut();
    hold_what_is_read_ahead(&log);
    let app = app(&log, &views).await;
    rest().await;
    assert_eq!(reads(&log), [0, 2]);
    let stopping = tokio::spawn(async move { app.shutdown().await });
    rest().await;
    assert!(!stopping.is_finished());
    views.open();
    stopping.await.unwrap();
    assert_eq!(position(&views).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_is_noticed_also_on_the_page_that_was_read_ahead() {
    let (log, views) = (log_of(5).await, FaultyViews::new());
    views.shut();
    let app = app(&log, &views).await;
    log.faults.edit_page.lock().unwrap().replace(Box::new(|page| {
        if page.events.first().is_some_and(|event| event.position.get() > 2) {
            // The log has lost all but its first event since.
            (page.events, page.through, page.head) = (Vec::new(), Position::new(1), Position::new(1));
        }
    }));
    rest().await;
    views.open();
    assert!(crate::scene::halted::<Balance>(&app).await.contains("put back to an earlier state"));
    let checkpoint = views.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
    assert!(checkpoint.diverged && checkpoint.position == Position::new(2), "{checkpoint:?}");
}
