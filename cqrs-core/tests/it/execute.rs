use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::{App, ExecuteError, RetryPolicy},
    domain::DecodeError,
    envelope::{Token, Version},
    store::Error,
};

use crate::{
    domain::*,
    faults::FaultyLog,
    scene::{account_stream, all_events, append, assert_valid, by_hand},
};

async fn app(log: &FaultyLog) -> App {
    App::builder(log.clone()).hot_aggregates(0).build().await.unwrap()
}

async fn opened(log: &FaultyLog) -> App {
    let app = app(log).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    app
}

fn deposit(amount: i64) -> Deposit {
    Deposit { account: account("a"), amount }
}

#[tokio::test]
async fn a_receipt_names_the_events_their_places_and_a_token() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(Open { account: account("b"), owner: owner("bob") }).await.unwrap();
    let receipt = app.execute(Note { account: account("a") }).await.unwrap();
    assert_eq!(receipt.stream, account_stream("a"));
    assert_eq!((receipt.version.get(), receipt.position.get()), (3, 4));
    assert_eq!(receipt.token, Token::new(app.log_id(), receipt.position));
    assert!(!receipt.repeated);
    let events: Vec<_> =
        receipt.events.iter().map(|event| (event.version.get(), event.position.get())).collect();
    assert_eq!(events, [(2, 3), (3, 4)]);
    assert_eq!(receipt.events[0].event, AccountEvent::Noted(Noted {}));
    let recorded = all_events(&log).await;
    assert_eq!(recorded[3].event_id, receipt.events[1].event_id);
    assert_eq!(recorded[3].metadata.command_id, receipt.command_id);
}

#[tokio::test]
async fn a_creating_command_on_an_existing_stream_is_answered_by_the_framework() {
    let app = opened(&FaultyLog::new()).await;
    let again = app.execute(Open { account: account("a"), owner: owner("bob") }).await;
    assert!(matches!(again, Err(ExecuteError::AlreadyExists { stream }) if stream == account_stream("a")));
}

#[tokio::test]
async fn a_following_command_on_a_missing_stream_is_answered_by_the_framework() {
    let app = app(&FaultyLog::new()).await;
    let missing = app.execute(deposit(1)).await;
    assert!(matches!(missing, Err(ExecuteError::NotFound { stream }) if stream == account_stream("a")));
}

#[tokio::test]
async fn a_rejection_is_the_handlers_own_type() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(deposit(5)).await.unwrap();
    let error = app.execute(Withdraw { account: account("a"), amount: 8 }).await.unwrap_err();
    let ExecuteError::Rejected(overdrawn) = &error else { panic!("{error:?}") };
    assert_eq!(*overdrawn, Overdrawn { balance: 5, amount: 8 });
    assert!(!error.is_retryable());
    assert_eq!(all_events(&log).await.len(), 2);
}

#[tokio::test]
async fn an_async_handler_decides() {
    let app = opened(&FaultyLog::new()).await;
    app.execute(deposit(5)).await.unwrap();
    let receipt = app.execute(Withdraw { account: account("a"), amount: 5 }).await.unwrap();
    assert_eq!(receipt.events[0].event, AccountEvent::Deposited(Deposited { amount: -5 }));
}

#[tokio::test]
async fn a_command_without_events_appends_nothing_and_names_the_head() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(Open { account: account("b"), owner: owner("bob") }).await.unwrap();
    let receipt = app.execute(Check { account: account("a") }).await.unwrap();
    assert_eq!((receipt.version.get(), receipt.position.get()), (1, 2));
    assert_eq!(receipt.events, []);
    assert_eq!(all_events(&log).await.len(), 2);
}

#[tokio::test]
async fn a_default_aggregate_exists_from_the_start_and_its_handlers_get_services() {
    let log = FaultyLog::new();
    let app = app(&log).await;
    let services = Limit(2);
    for version in 1..=2 {
        let receipt = app.with(&services).execute(Count { tally: tally(1) }).await.unwrap();
        assert_eq!(receipt.version.get(), version);
    }
    let full = app.with(&services).execute(Count { tally: tally(1) }).await;
    assert!(matches!(full, Err(ExecuteError::Rejected(Full(2)))));
    app.with(&Limit(3)).execute_at(Version::new(2), Count { tally: tally(1) }).await.unwrap();
}

#[tokio::test]
async fn a_removed_aggregate_is_not_found_and_can_be_created_again() {
    let app = opened(&FaultyLog::new()).await;
    app.execute(deposit(7)).await.unwrap();
    app.execute(Close { account: account("a") }).await.unwrap();
    assert!(matches!(app.execute(deposit(1)).await, Err(ExecuteError::NotFound { .. })));
    let again = app.execute(Open { account: account("a"), owner: owner("bob") }).await.unwrap();
    assert_eq!(again.version.get(), 4);
    let broke = app.execute(Withdraw { account: account("a"), amount: 1 }).await;
    assert!(matches!(broke, Err(ExecuteError::Rejected(Overdrawn { balance: 0, .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_on_one_aggregate_all_succeed_and_none_is_lost() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    log.faults.yields.store(true, SeqCst);
    // Two applications, as if they were two processes.
    let apps = [app.clone(), self::app(&log).await];
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let app = apps[number % 2].clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    app.execute(deposit(1)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_valid(&log).await;
    let overdrawn = app.execute(Withdraw { account: account("a"), amount: 321 }).await;
    assert!(matches!(overdrawn, Err(ExecuteError::Rejected(Overdrawn { balance: 320, .. }))));
}

#[tokio::test]
async fn a_conflict_is_decided_again_on_the_new_state() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(deposit(5)).await.unwrap();
    let rival = by_hand(&account_stream("a"), &[("deposited", r#"{"units":-1}"#)]);
    // Schema version 1 counts in hundreds, so that the withdrawal is refused on the new state alone.
    *log.faults.before_append.lock().unwrap() = Some(rival);
    let decided = app.execute(Withdraw { account: account("a"), amount: 5 }).await;
    assert!(matches!(decided, Err(ExecuteError::Rejected(Overdrawn { balance: -95, amount: 5 }))));
}

#[tokio::test(start_paused = true)]
async fn retries_are_bounded_and_end_in_a_conflict_with_the_attempts() {
    let log = FaultyLog::new();
    let pause = std::time::Duration::from_millis(5);
    let policy = RetryPolicy::default().attempts(40).longest_pause(pause);
    let app = App::builder(log.clone()).retry(policy).build().await.unwrap();
    log.faults.always_conflict.store(true, SeqCst);
    let started = tokio::time::Instant::now();
    let error = app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap_err();
    let ExecuteError::Conflict { attempts, expected, actual, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*attempts, expected.get(), actual.get()), (40, 0, 1));
    assert!(error.is_retryable());
    // Once more than that, at first, without a look whether the account is there.
    assert_eq!(log.faults.appends.load(SeqCst), 41);
    assert_eq!(log.faults.loads.load(SeqCst), 40);
    // The first pause is none; a timer rounds up to a whole millisecond.
    assert!(
        started.elapsed() <= 38 * (pause + std::time::Duration::from_millis(1)),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_command_for_another_version_is_a_conflict_and_is_never_decided() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let appends = log.faults.appends.load(SeqCst);
    // The handler would reject it.
    let withdraw = Withdraw { account: account("a"), amount: 1 };
    let error = app.execute_at(Version::new(4), withdraw).await.unwrap_err();
    let ExecuteError::Conflict { expected, actual, .. } = &error else { panic!("{error:?}") };
    assert_eq!((expected.get(), actual.get()), (4, 1));
    assert_eq!(log.faults.appends.load(SeqCst), appends);
    app.execute_at(Version::new(1), deposit(1)).await.unwrap();
}

#[tokio::test]
async fn a_command_for_a_version_that_passes_meanwhile_is_a_conflict() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    let rival = by_hand(&account_stream("a"), &[("noted", "{}")]);
    *log.faults.before_append.lock().unwrap() = Some(rival);
    let error = app.execute_at(Version::new(1), deposit(1)).await.unwrap_err();
    let ExecuteError::Conflict { expected, actual, .. } = &error else { panic!("{error:?}") };
    assert_eq!((expected.get(), actual.get()), (1, 2));
    assert_eq!(all_events(&log).await.len(), 2);
}

#[tokio::test]
async fn an_unknown_event_in_the_stream_is_named() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    append(&log, &account_stream("a"), &[("frozen", "{}")]).await;
    let error = app.execute(deposit(1)).await.unwrap_err();
    let ExecuteError::Decode { position, source: DecodeError::UnknownName { name, known, .. }, .. } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((position.get(), name.as_str()), (2, "frozen"));
    assert!(known.contains(&"deposited"));
    assert!(error.to_string().contains("account/a"), "{error}");
}

#[tokio::test]
async fn an_unreadable_event_in_the_stream_is_named() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":"many"}"#)]).await;
    let error = app.execute(deposit(1)).await.unwrap_err();
    let ExecuteError::Decode { position, source: DecodeError::Data { name, rust_type, .. }, .. } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((position.get(), *name, *rust_type), (2, "deposited", "DepositedV1"));
}

#[tokio::test]
async fn an_event_that_fits_no_state_is_named() {
    let log = FaultyLog::new();
    let app = app(&log).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#)]).await;
    let error = app.execute(deposit(1)).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Fold { position, .. } if position.get() == 1));
}

#[tokio::test]
async fn a_gap_in_the_stream_is_an_error() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    app.execute(Note { account: account("a") }).await.unwrap();
    *log.faults.edit_loaded.lock().unwrap() = Some(Box::new(|loaded| drop(loaded.events.remove(1))));
    let error = app.execute(deposit(1)).await.unwrap_err();
    let ExecuteError::Gap { after, found, .. } = &error else { panic!("{error:?}") };
    assert_eq!((after.get(), found.get()), (1, 3));
}

#[tokio::test]
async fn a_store_that_is_away_is_a_retryable_error() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    log.faults.away.store(true, SeqCst);
    let error = app.execute(deposit(1)).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(matches!(error, ExecuteError::Load { source: Error::Unavailable { .. }, .. }));
    log.faults.away.store(false, SeqCst);
    app.execute(deposit(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_dropped_anywhere_leaves_a_valid_log_and_nothing_stuck() {
    let log = FaultyLog::new();
    let app = opened(&log).await;
    log.faults.yields.store(true, SeqCst);
    let mut dice = crate::faults::Dice::new(7);
    for round in 0..300_i64 {
        let commands = [app.execute(deposit(1)), app.execute(deposit(round))];
        let mut futures: Vec<_> = commands.into_iter().map(std::future::IntoFuture::into_future).collect();
        for _ in 0..dice.roll(12) {
            let which = usize::try_from(dice.roll(2)).unwrap();
            if let Some(future) = futures.get_mut(which)
                && std::future::poll_fn(|context| {
                    std::task::Poll::Ready(future.as_mut().poll(context).is_ready())
                })
                .await
            {
                drop(futures.remove(which));
            }
        }
    }
    assert_valid(&log).await;
    app.execute(deposit(1)).await.unwrap();
}
