//! Several applications on one read store.

use std::time::Duration;

use cqrs_core::{
    app::App,
    runtime::{ProjectionState, RuntimeOptions},
    store::{ProjectionId, ViewStore as _},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, assert_equals_a_fold_from_scratch, caught_up, eventually, health},
};

const LEASE: Duration = Duration::from_millis(300);

async fn app(log: &FaultyLog, views: &FaultyViews) -> App {
    App::builder(log.clone())
        .runtime(RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_millis(20)))
        .projection::<Balance>(views.clone())
        .build()
        .await
        .unwrap()
}

async fn runs(app: &App) {
    eventually("it runs", async || health::<Balance>(app).await.state == ProjectionState::Live).await;
}

async fn stands_by(app: &App) {
    let stands_by = async || matches!(health::<Balance>(app).await.state, ProjectionState::Standby { .. });
    eventually("it stands by", stands_by).await;
}

async fn fence(views: &FaultyViews) -> u64 {
    views.inner.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap().fence
}

async fn open_account(log: &FaultyLog, id: &str) {
    append(log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
}

#[tokio::test]
async fn of_two_applications_one_runs_a_projection_and_the_other_takes_over_as_it_stops() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views).await;
    runs(&first).await;
    let second = app(&log, &views.beside()).await;
    stands_by(&second).await;
    let standing_by = health::<Balance>(&second).await;
    let ProjectionState::Standby { owner } = &standing_by.state else { panic!("{standing_by:?}") };
    assert_eq!(owner.process, std::process::id());
    assert!(standing_by.is_well());
    open_account(&log, "a").await;
    caught_up::<Balance>(&log, &views).await;
    assert_eq!(fence(&views).await, 1);
    eventually("the other one sees how far it is", async || {
        health::<Balance>(&second).await.applied.get() == 1
    })
    .await;
    first.shutdown().await;
    open_account(&log, "b").await;
    caught_up::<Balance>(&log, &views).await;
    runs(&second).await;
    // Acquired, given back, acquired.
    assert_eq!(fence(&views).await, 3);
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[test]
fn an_owner_that_died_is_succeeded_when_its_lease_runs_out() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let dying = runtime();
    dying.block_on(async {
        let first = app(&log, &views).await;
        runs(&first).await;
        // Nobody shuts it down.
        std::mem::forget(first);
    });
    dying.shutdown_background();
    runtime().block_on(async {
        open_account(&log, "a").await;
        let second = app(&log, &views.beside()).await;
        stands_by(&second).await;
        caught_up::<Balance>(&log, &views).await;
        runs(&second).await;
        second.shutdown().await;
        assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
    });
}

#[tokio::test]
async fn an_owner_that_stood_still_past_its_lease_writes_nothing_afterwards() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views).await;
    open_account(&log, "a").await;
    caught_up::<Balance>(&log, &views).await;
    runs(&first).await;
    // It stands still with a batch on its way.
    views.faults.stands_still.send_replace(true);
    views.shut();
    open_account(&log, "b").await;
    eventually("a commit waits", async || views.faults.open.receiver_count() > 0).await;
    let others = views.beside();
    let second = app(&log, &others).await;
    caught_up::<Balance>(&log, &others).await;
    open_account(&log, "c").await;
    caught_up::<Balance>(&log, &others).await;
    let before = views.inner.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
    assert_eq!(before.fence, 2);
    views.open();
    views.faults.stands_still.send_replace(false);
    stands_by(&first).await;
    open_account(&log, "d").await;
    caught_up::<Balance>(&log, &others).await;
    assert_eq!(fence(&views).await, 2);
    first.shutdown().await;
    runs(&second).await;
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_else_wants_outlasts_a_standstill() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views).await;
    runs(&app).await;
    views.faults.stands_still.send_replace(true);
    tokio::time::sleep(LEASE * 2).await;
    views.faults.stands_still.send_replace(false);
    open_account(&log, "a").await;
    caught_up::<Balance>(&log, &views).await;
    assert_eq!(fence(&views).await, 1, "it is the same lease");
    app.shutdown().await;
}
