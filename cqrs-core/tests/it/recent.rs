//! Documents that were just written are not read again.

use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{app::App, runtime::RuntimeOptions};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, assert_equals_a_fold_from_scratch, begun, caught_up},
};

async fn app(log: &FaultyLog, views: &FaultyViews, batch: usize) -> App {
    let options = RuntimeOptions::default().batch(batch);
    App::builder(log.clone()).projection::<Balance>(views.clone()).runtime(options).build().await.unwrap()
}

async fn deposited(log: &FaultyLog, views: &FaultyViews, id: &str, times: usize) {
    for _ in 0..times {
        append(log, &account_stream(id), &[("deposited", r#"{"units":1}"#)]).await;
        caught_up::<Balance>(log, views).await;
    }
}

fn loads(views: &FaultyViews) -> usize {
    views.faults.loads.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_document_that_gets_one_event_after_another_is_read_once() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    let app = app(&log, &views, 100).await;
    for id in ["a", "b"] {
        append(&log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
        caught_up::<Balance>(&log, &views).await;
    }
    deposited(&log, &views, "a", 5).await;
    deposited(&log, &views, "b", 5).await;
    append(&log, &account_stream("a"), &[("account_closed", r#"{"owner":"ada"}"#)]).await;
    deposited(&log, &views, "a", 1).await;
    assert_eq!(loads(&views), 2, "only what had not been there");
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_read_again_after_somebody_else_has_moved_the_projection() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    let first = app(&log, &views, 100).await;
    deposited(&log, &views, "a", 2).await;
    let before = loads(&views);
    deposited(&log, &views, "a", 1).await;
    assert_eq!(loads(&views), before);
    // The other one gets on while the first can't read the log.
    log.faults.reads_wait.send_replace(true);
    let others = log.beside();
    let second = app(&others, &views.without_its_leases(), 100).await;
    deposited(&others, &views, "a", 2).await;
    second.shutdown().await;
    let before = loads(&views);
    log.faults.reads_wait.send_replace(false);
    deposited(&log, &views, "a", 1).await;
    assert_eq!(loads(&views), before + 1);
    first.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn far_behind_the_head_what_was_written_pages_ago_is_not_read_either() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    for event in [("account_opened", r#"{"owner":"ada"}"#), ("deposited", r#"{"units":1}"#)] {
        for id in ["a", "b", "c"] {
            append(&log, &account_stream(id), &[event]).await;
        }
    }
    let app = app(&log, &views, 1).await;
    caught_up::<Balance>(&log, &views).await;
    assert_eq!(loads(&views), 3, "only what it has not written itself");
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_too_large_to_be_kept_is_read_again_once_it_is_written() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(20_000));
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    append(&log, &account_stream("a"), &[("labelled", &label)]).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    for id in ["b", "c", "d"] {
        append(&log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    }
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    let app = app(&log, &views, 1).await;
    caught_up::<Balance>(&log, &views).await;
    assert_eq!(loads(&views), 1, "not while it is on its way");
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_on_looks_for_each_document() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    let app = app(&log, &views, 1).await;
    for id in ["a", "b", "c"] {
        append(&log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    }
    caught_up::<Balance>(&log, &views).await;
    assert_eq!(loads(&views), 3);
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}
