use std::{collections::HashMap, sync::atomic::Ordering::SeqCst};

use cqrs_core::{
    app::{App, Execute, ExecuteError},
    domain::{Command, Handle},
    envelope::CommandId,
    store::EventStore,
};

use crate::{
    domain::*,
    faults::FaultyLog,
    scene::{account_stream, all_events, append, by_hand},
};

async fn opened(log: &FaultyLog) -> App {
    let app = App::builder(log.clone()).hot_aggregates(0).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    app
}

fn deposit(amount: i64) -> Deposit {
    Deposit { account: account("a"), amount }
}

fn withdraw(amount: i64) -> Withdraw {
    Withdraw { account: account("a"), amount }
}

/// Remembers every failure that it is asked about, as its text.
fn remembering<C: Command>(execute: Execute<'_, C>) -> Execute<'_, C> {
    execute.remember(|error: &ExecuteError<<C::Aggregate as Handle<C>>::Error>| {
        Some(match error {
            ExecuteError::Rejected(rejection) => rejection.to_string(),
            other => other.to_string(),
        })
    })
}

#[tokio::test]
async fn the_same_command_id_returns_the_first_receipt_and_adds_nothing() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    let first = app.execute(deposit(5)).id(id).await.unwrap();
    app.execute(deposit(1)).await.unwrap();
    let head = log.head().await.unwrap();
    let mut again = app.execute(deposit(5)).id(id).await.unwrap();
    assert!(again.repeated && !first.repeated);
    again.repeated = false;
    assert_eq!(again, first);
    assert_eq!(log.head().await.unwrap(), head);
}

#[tokio::test]
async fn the_first_receipt_comes_back_from_another_app_on_the_same_store() {
    let log = FaultyLog::new();
    let id = CommandId::generate();
    let open = || Open { account: account("b"), owner: owner("bob") };
    let first = opened(&log).await.execute(open()).id(id).await.unwrap();
    let app = App::builder(log.clone()).hot_aggregates(0).build().await.unwrap();
    let again = app.execute(open()).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.events, again.token), (first.events, first.token));
}

#[tokio::test]
async fn a_command_id_without_events_is_recorded_all_the_same() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    let first = app.execute(Check { account: account("a") }).id(id).await.unwrap();
    app.execute(deposit(1)).await.unwrap();
    let again = app.execute(Check { account: account("a") }).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.version, again.position, again.events.len()), (first.version, first.position, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_commands_with_one_id_append_once_and_get_one_receipt() {
    for round in 0..20_i64 {
        let log = FaultyLog::new();
        let app = opened(&log).await;
        log.faults.yields.store(true, SeqCst);
        let id = CommandId::generate();
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let app = app.clone();
                tokio::spawn(async move { app.execute(deposit(round)).id(id).await.unwrap() })
            })
            .collect();
        let mut receipts = Vec::new();
        for racer in racers {
            receipts.push(racer.await.unwrap());
        }
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1);
        for receipt in &mut receipts {
            receipt.repeated = false;
        }
        assert!(receipts.iter().all(|receipt| *receipt == receipts[0]));
        assert_eq!(all_events(&log).await.len(), 2);
    }
}

#[tokio::test]
async fn a_command_id_of_another_command_is_refused() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(Open { account: account("b"), owner: owner("bob") }).await.unwrap();
    let id = CommandId::generate();
    app.execute(deposit(5)).id(id).await.unwrap();
    let refused = [
        app.execute(deposit(6)).id(id).await.unwrap_err().to_string(),
        app.execute(Deposit { account: account("b"), amount: 5 }).id(id).await.unwrap_err().to_string(),
        app.execute(Note { account: account("a") }).id(id).await.unwrap_err().to_string(),
    ];
    for error in refused {
        assert!(error.contains(&id.to_string()) && error.contains("another command"), "{error}");
    }
    assert!(matches!(
        app.execute(deposit(6)).id(id).await,
        Err(ExecuteError::CommandIdReused { command_id }) if command_id == id
    ));
}

#[tokio::test]
async fn a_command_id_of_another_command_is_refused_also_where_the_two_race() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    app.execute(deposit(5)).id(id).await.unwrap();
    // As if the first had come between this one's load and its append.
    *log.faults.edit_loaded.lock().unwrap() = Some(Box::new(|loaded| loaded.command = None));
    assert!(matches!(app.execute(deposit(6)).id(id).await, Err(ExecuteError::CommandIdReused { .. })));
    assert!(app.execute(deposit(5)).id(id).await.unwrap().repeated);
}

#[tokio::test]
async fn a_command_that_serialises_in_another_order_is_still_the_same() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    for round in 0..20 {
        // Each map has an order of its own.
        let amounts: HashMap<String, i64> = (0..20).map(|key| (key.to_string(), key)).collect();
        let command = DepositAll { account: account("a"), amounts };
        let receipt = app.execute(command).id(id).await.unwrap();
        assert_eq!(receipt.repeated, round > 0);
    }
}

#[tokio::test]
async fn a_remembered_rejection_comes_back_also_when_the_state_has_changed() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    let first = remembering(app.execute(withdraw(5)).id(id)).await;
    assert!(matches!(first, Err(ExecuteError::Rejected(Overdrawn { balance: 0, amount: 5 }))));
    app.execute(deposit(100)).await.unwrap();
    let again = remembering(app.execute(withdraw(5)).id(id)).await;
    let Err(ExecuteError::Remembered { command_id, answer }) = again else { panic!("{again:?}") };
    assert_eq!((command_id, answer.as_str()), (id, "the balance is 0, less than 5"));
    assert_eq!(all_events(&log).await.len(), 2);
}

#[tokio::test]
async fn a_missing_aggregate_and_another_version_are_remembered_too() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let (missing, moved) = (CommandId::generate(), CommandId::generate());
    let on_missing = || Deposit { account: account("z"), amount: 1 };
    let at = cqrs_core::envelope::Version::new(9);
    assert!(matches!(
        remembering(app.execute(on_missing()).id(missing)).await,
        Err(ExecuteError::NotFound { .. })
    ));
    assert!(matches!(
        remembering(app.execute_at(at, deposit(1)).id(moved)).await,
        Err(ExecuteError::Conflict { .. })
    ));
    app.execute(Open { account: account("z"), owner: owner("zoe") }).await.unwrap();
    for again in [
        remembering(app.execute(on_missing()).id(missing)).await,
        remembering(app.execute_at(at, deposit(1)).id(moved)).await,
    ] {
        assert!(matches!(again, Err(ExecuteError::Remembered { .. })), "{again:?}");
    }
}

#[tokio::test]
async fn a_rejection_that_is_not_remembered_is_decided_again() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    assert!(matches!(app.execute(withdraw(5)).id(id).await, Err(ExecuteError::Rejected(_))));
    app.execute(deposit(100)).await.unwrap();
    assert!(!app.execute(withdraw(5)).id(id).await.unwrap().repeated);
}

#[tokio::test]
async fn a_rejection_that_raced_with_another_writer_is_decided_again() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let rival = by_hand(&account_stream("a"), &[("deposited", r#"{"units":1}"#)]);
    *log.faults.before_append.lock().unwrap() = Some(rival);
    let id = CommandId::generate();
    let receipt = remembering(app.execute(withdraw(5)).id(id)).await.unwrap();
    assert_eq!(receipt.version.get(), 3);
    assert!(remembering(app.execute(withdraw(5)).id(id)).await.unwrap().repeated);
}

#[tokio::test]
async fn a_receipt_of_the_first_time_that_can_no_longer_be_read_is_an_error() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    app.execute(deposit(5)).id(id).await.unwrap();
    append(&log, &account_stream("a"), &[("noted", "{}")]).await;
    *log.faults.edit_loaded.lock().unwrap() = Some(Box::new(|loaded| {
        if let Some(command) = &mut loaded.command {
            command.events[0].name = "renamed".into();
        }
    }));
    assert!(matches!(app.execute(deposit(5)).id(id).await, Err(ExecuteError::Decode { .. })));
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_safe_to_send_again() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let id = CommandId::generate();
    log.faults.loses_answer.store(true, SeqCst);
    let lost = app.execute(deposit(5)).id(id).await.unwrap_err();
    assert!(matches!(lost, ExecuteError::Append { .. }) && lost.is_retryable());
    let again = app.execute(deposit(5)).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.version.get(), again.events[0].position.get()), (2, 2));
    log.faults.loses_answer.store(true, SeqCst);
    let rejected = CommandId::generate();
    assert!(remembering(app.execute(withdraw(50)).id(rejected)).await.unwrap_err().is_retryable());
    let again = remembering(app.execute(withdraw(50)).id(rejected)).await;
    assert!(matches!(again, Err(ExecuteError::Remembered { .. })));
    assert_eq!(all_events(&log).await.len(), 2);
}
