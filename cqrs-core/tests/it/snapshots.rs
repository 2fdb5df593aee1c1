use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::App,
    domain::{Fold, Model, State},
    envelope::{EventId, Json, Version},
    store::{EventStore, Load, Snapshot},
};

use crate::{
    domain::*,
    faults::FaultyLog,
    scene::{account_stream, all_events, eventually},
};

/// An account after `deposits` of 1.
async fn account_of(log: &FaultyLog, deposits: u64) -> App {
    let app = App::builder(log.clone()).hot_aggregates(0).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    for _ in 0..deposits {
        deposit(&app).await;
    }
    app
}

async fn deposit(app: &App) {
    app.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
}

/// The snapshot that the log keeps, of whichever shape.
async fn kept(log: &FaultyLog) -> Option<Snapshot> {
    let stream = account_stream("a");
    let load = Load { stream: &stream, snapshot: Some(fingerprint()), command: None };
    log.inner.load(load).await.unwrap().snapshot
}

fn fingerprint() -> u64 {
    cqrs_core::__private::combine(
        <Account as Model>::FINGERPRINT,
        <AccountEvent as Fold<Account>>::FINGERPRINT,
    )
}

async fn kept_at(log: &FaultyLog, version: u64) {
    eventually(&format!("there is a snapshot at version {version}"), async || {
        kept(log).await.is_some_and(|snapshot| snapshot.version == Version::new(version))
    })
    .await;
}

/// How many events the next command reads.
async fn events_read(log: &FaultyLog, app: &App) -> usize {
    let before = log.faults.loaded_events.load(SeqCst);
    app.execute(Check { account: account("a") }).await.unwrap();
    log.faults.loaded_events.load(SeqCst) - before
}

/// The balance, as a rejection tells it.
async fn balance(app: &App) -> i64 {
    let all = Withdraw { account: account("a"), amount: i64::MAX };
    match app.execute(all).await {
        Err(cqrs_core::app::ExecuteError::Rejected(Overdrawn { balance, .. })) => balance,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_is_taken_every_so_many_events() {
    let log = FaultyLog::new();
    let app = account_of(&log, 3).await;
    assert!(kept(&log).await.is_none());
    deposit(&app).await;
    kept_at(&log, 5).await;
    for _ in 0..4 {
        deposit(&app).await;
    }
    kept_at(&log, 5).await;
    deposit(&app).await;
    kept_at(&log, 10).await;
}

#[tokio::test]
async fn a_snapshot_spares_the_events_before_it_and_changes_nothing_else() {
    let log = FaultyLog::new();
    let app = account_of(&log, 4).await;
    kept_at(&log, 5).await;
    deposit(&app).await;
    assert_eq!(events_read(&log, &app).await, 1);
    assert_eq!(balance(&app).await, 5);
    app.execute_at(Version::new(6), Deposit { account: account("a"), amount: 1 }).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_is_the_fold_of_the_events_as_they_are_recorded() {
    let log = FaultyLog::new();
    account_of(&log, 4).await;
    kept_at(&log, 5).await;
    let mut state = State::Absent;
    for recorded in all_events(&log).await {
        let event: AccountEvent = recorded.decode().unwrap();
        state = event.fold(state, &recorded.metadata).unwrap();
    }
    let kept: Account = kept(&log).await.unwrap().data.parse().unwrap();
    assert_eq!(State::Present(kept), state);
}

#[tokio::test]
async fn a_snapshot_of_another_shape_is_ignored_and_replaced() {
    let log = FaultyLog::new();
    let app = account_of(&log, 2).await;
    let data = Json::from_text(r#"{"owner":"eve","balance":1000,"touched":null}"#.into()).unwrap();
    let stream = account_stream("a");
    let (version, last) = (Version::new(99), EventId::generate());
    let foreign = Snapshot { stream, version, last, fingerprint: fingerprint() ^ 1, data };
    cqrs_core::store::SnapshotStore::save_snapshot(&log, foreign).await.unwrap();
    assert_eq!(balance(&app).await, 2);
    deposit(&app).await;
    deposit(&app).await;
    kept_at(&log, 5).await;
    assert_eq!(balance(&app).await, 4);
}

#[tokio::test]
async fn a_snapshot_of_another_past_is_ignored_and_replaced() {
    let log = FaultyLog::new();
    let app = account_of(&log, 2).await;
    let data = Json::from_text(r#"{"owner":"eve","balance":1000,"touched":null}"#.into()).unwrap();
    for version in [3, 99] {
        let (stream, version, last) = (account_stream("a"), Version::new(version), EventId::generate());
        let lost = Snapshot { stream, version, last, fingerprint: fingerprint(), data: data.clone() };
        cqrs_core::store::SnapshotStore::save_snapshot(&log, lost).await.unwrap();
        assert_eq!(balance(&app).await, 2);
    }
    deposit(&app).await;
    deposit(&app).await;
    kept_at(&log, 5).await;
    assert_eq!(events_read(&log, &app).await, 0);
    assert_eq!(balance(&app).await, 4);
}

#[tokio::test]
async fn an_unreadable_snapshot_is_ignored_and_replaced() {
    let log = FaultyLog::new();
    let app = account_of(&log, 2).await;
    let (stream, version) = (account_stream("a"), Version::new(3));
    let data = Json::from_text(r#""rubbish""#.into()).unwrap();
    let last = all_events(&log).await[2].event_id;
    let rubbish = Snapshot { stream, version, last, fingerprint: fingerprint(), data };
    cqrs_core::store::SnapshotStore::save_snapshot(&log, rubbish).await.unwrap();
    assert_eq!(balance(&app).await, 2);
    deposit(&app).await;
    deposit(&app).await;
    kept_at(&log, 5).await;
    assert_eq!(events_read(&log, &app).await, 0);
    assert_eq!(balance(&app).await, 4);
}

#[tokio::test]
async fn a_store_that_fails_to_keep_snapshots_harms_no_command() {
    let log = FaultyLog::new();
    log.faults.snapshots_fail.store(true, SeqCst);
    let app = account_of(&log, 20).await;
    assert_eq!(balance(&app).await, 20);
    assert!(kept(&log).await.is_none());
    log.faults.snapshots_fail.store(false, SeqCst);
    deposit(&app).await;
    kept_at(&log, 22).await;
}

#[tokio::test]
async fn a_removed_aggregate_is_not_brought_back_by_its_snapshot() {
    let log = FaultyLog::new();
    let app = account_of(&log, 4).await;
    kept_at(&log, 5).await;
    app.execute(Close { account: account("a") }).await.unwrap();
    let missing = app.execute(Deposit { account: account("a"), amount: 1 }).await;
    assert!(matches!(missing, Err(cqrs_core::app::ExecuteError::NotFound { .. })));
    app.execute(Open { account: account("a"), owner: owner("bob") }).await.unwrap();
    assert_eq!(balance(&app).await, 0);
}
