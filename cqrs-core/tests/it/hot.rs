use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::{App, ExecuteError},
    envelope::{CommandId, Version},
};

use crate::{
    domain::*,
    faults::FaultyLog,
    scene::{account_stream, append},
};

async fn opened(log: &FaultyLog) -> App {
    let app = App::builder(log.clone()).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    app
}

fn deposit(amount: i64) -> Deposit {
    Deposit { account: account("a"), amount }
}

fn withdraw(amount: i64) -> Withdraw {
    Withdraw { account: account("a"), amount }
}

#[tokio::test]
async fn a_command_on_a_hot_aggregate_reads_nothing() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let before = log.faults.loads.load(SeqCst);
    for _ in 0..20 {
        app.execute(deposit(1)).await.unwrap();
    }
    assert_eq!(log.faults.loads.load(SeqCst), before);
    assert_eq!(app.execute(withdraw(20)).await.unwrap().version, Version::new(22));
}

#[tokio::test]
async fn none_is_kept_where_none_is_wanted() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).hot_aggregates(0).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let before = log.faults.loads.load(SeqCst);
    app.execute(deposit(1)).await.unwrap();
    assert_eq!(log.faults.loads.load(SeqCst), before + 1);
}

#[tokio::test]
async fn a_hot_aggregate_that_another_program_has_changed_is_loaded_again() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    let receipt = app.execute(deposit(1)).await.unwrap();
    assert_eq!(receipt.version, Version::new(3));
    assert_eq!(app.execute(withdraw(101)).await.unwrap().version, Version::new(4));
}

#[tokio::test]
async fn a_rejection_is_never_decided_on_an_old_state() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    assert!(matches!(app.execute(withdraw(100)).await, Err(ExecuteError::Rejected(_))));
    app.execute(deposit(1)).await.unwrap();
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    assert_eq!(app.execute(withdraw(101)).await.unwrap().version, Version::new(4));
}

#[tokio::test]
async fn a_known_command_id_gives_its_first_receipt_also_where_the_hot_state_would_say_no() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(deposit(5)).await.unwrap();
    let id = CommandId::generate();
    let first = app.execute(withdraw(5)).id(id).await.unwrap();
    let again = app.execute(withdraw(5)).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.version, again.events), (first.version, first.events));
}

#[tokio::test]
async fn a_command_for_a_version_looks_before_it_says_no() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    let receipt = app.execute_at(Version::new(2), deposit(1)).await.unwrap();
    assert_eq!(receipt.version, Version::new(3));
    let conflict = app.execute_at(Version::new(2), deposit(1)).await;
    assert!(matches!(conflict, Err(ExecuteError::Conflict { actual, .. }) if actual == Version::new(3)));
}
