//! What changes hands is written by one at a time, and from where it is.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    app::App,
    envelope::{EventId, Position, Token},
    query::Views,
    runtime::ProjectionState,
    store::{CoordinationStore as _, EventStore as _},
};

use crate::{
    divided::{Eight, LEASE, One, Two, app, caught_up, deposit, fill, open, shared},
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{all_events, applied_here, assert_equals_a_fold_from_scratch, eventually, health, runs},
};

fn commits(views: &FaultyViews) -> usize {
    views.faults.commits.load(SeqCst)
}

/// From now on it can't say that it is still there.
async fn is_held_up(views: &FaultyViews) {
    views.hold_up(|call| call.starts_with("touches leases"));
    eventually("its leases are not touched", async || views.faults.waiting.load(SeqCst) > 0).await;
}

/// It goes on, and finds out that others have what it held before it writes any of it.
async fn writes_nothing_as_it_goes_on(views: &FaultyViews, goes_on: impl FnOnce()) {
    let before = commits(views);
    goes_on();
    eventually("it asks whether it may write, or does", async || {
        views.faults.waiting.load(SeqCst) > 1 || commits(views) > before
    })
    .await;
    assert_eq!(commits(views), before, "it has written what others run by now");
}

#[tokio::test(start_paused = true)]
async fn whoever_was_held_up_past_its_lease_sends_nothing() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, 0..1).await;
    let first = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    is_held_up(&views).await;
    log.faults.reads_wait.send_replace(true);
    let others = log.beside();
    let second = app::<One>(&others, &views.beside()).await;
    open(&others, 1..2).await;
    caught_up::<One>(&others, &views).await;
    writes_nothing_as_it_goes_on(&views, || log.go_on()).await;
    let before = commits(&views);
    views.go_on();
    eventually("it stands by", async || {
        matches!(health::<One>(&first).await.state, ProjectionState::Standby { .. })
    })
    .await;
    assert_eq!(commits(&views), before);
    first.shutdown().await;
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<One>(&log, &views).await;
}

/// Two applications share the partitions. One of them writes no more, so that its partitions are behind at the position that
/// this answers with.
async fn half_is_behind(log: &FaultyLog, views: &FaultyViews, slow: &FaultyViews) -> (App, App, Position) {
    fill(log, 40).await;
    let first = app::<Eight>(log, views).await;
    let second = app::<Eight>(log, slow).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(log, views).await;
    let behind = log.head().await.unwrap();
    slow.shut();
    for nth in 0..40 {
        deposit(log, &format!("a{nth}"), 1).await;
    }
    let head = log.head().await.unwrap();
    eventually("half of it is as far", async || applied_here::<Eight>(&first).await == Some(head)).await;
    (first, second, behind)
}

fn dies(views: &FaultyViews) {
    views.faults.stands_still.send_replace(true);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_held_up_as_it_brought_partitions_to_the_others_sends_nothing() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slow = views.beside();
    let (first, second, behind) = half_is_behind(&log, &views, &slow).await;
    log.faults.reads_wait_at.send_replace(Some(behind));
    log.faults.reads.lock().unwrap().clear();
    dies(&slow);
    eventually("it reads what the others lack", async || log.faults.reads.lock().unwrap().contains(&behind))
        .await;
    is_held_up(&views).await;
    let others = log.beside();
    let third = app::<Eight>(&others, &views.beside()).await;
    shared::<Eight>(&[&third], 8).await;
    caught_up::<Eight>(&others, &views).await;
    writes_nothing_as_it_goes_on(&views, || log.go_on()).await;
    views.go_on();
    shared::<Eight>(&[&first, &third], 8).await;
    first.shutdown().await;
    third.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views).await;
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_is_noticed_also_by_whoever_brings_partitions_to_the_others() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slow = views.beside();
    let (first, second, behind) = half_is_behind(&log, &views, &slow).await;
    // Where they are, the log has another event by now.
    let applied = all_events(&log).await.into_iter().find(|event| event.position == behind).unwrap().event_id;
    let another = EventId::generate();
    log.faults.edit_page.lock().unwrap().replace(Box::new(move |page| {
        page.before = page.before.map(|before| if before == applied { another } else { before });
    }));
    dies(&slow);
    let mut state = ProjectionState::Starting;
    eventually("it runs all, or halts", async || {
        state = health::<Eight>(&first).await.state;
        matches!(state, ProjectionState::Halted { .. }) || runs::<Eight>(&first).await.len() == 8
    })
    .await;
    let is_put_back =
        matches!(&state, ProjectionState::Halted { reason } if reason.contains("it was put back"));
    assert!(is_put_back, "{state:?}");
    first.shutdown().await;
    drop(second);
}

/// Whoever takes all of them over goes on from where the one is that is furthest behind.
#[tokio::test(start_paused = true)]
async fn a_build_is_divided_anew_only_where_all_of_it_is_at_one_position() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slow = views.beside();
    let (first, second, behind) = half_is_behind(&log, &views, &slow).await;
    let head = log.head().await.unwrap();
    let ahead: Vec<AccountId> = {
        let of_first = runs::<Eight>(&first).await;
        let is_ahead = |key: &String| of_first.iter().any(|partition| partition.has(key));
        (0..40).map(|nth| format!("a{nth}")).filter(is_ahead).map(account).collect()
    };
    dies(&slow);
    first.shutdown().await;
    eventually("nobody runs it", async || {
        let leases = views.inner.entries("leases of spread v1").await.unwrap();
        leases.iter().all(|lease| lease.age > LEASE)
    })
    .await;
    log.faults.reads.lock().unwrap().clear();
    log.faults.reads_wait.send_replace(true);
    let third = app::<Two>(&log, &views.beside()).await;
    eventually("it reads on", async || !log.faults.reads.lock().unwrap().is_empty()).await;
    assert_eq!(log.faults.reads.lock().unwrap()[0], behind);
    // What was answered before is still as fresh.
    let (readers, token) = (Views::new(views.inner.clone()), Token::new(log.log_id(), head));
    assert!(!ahead.is_empty());
    for key in &ahead {
        let answer = readers.view::<Two>(key).at_least(&token).within(Duration::ZERO).await;
        assert_eq!(answer.unwrap().as_ref().unwrap().amounts.len(), 2, "{key}");
    }
    log.go_on();
    shared::<Two>(&[&third], 2).await;
    caught_up::<Two>(&log, &views).await;
    third.shutdown().await;
    assert_equals_a_fold_from_scratch::<Two>(&log, &views).await;
    drop(second);
}
