//! Applications that were held up between two calls, and go on when others have long taken over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use cqrs_core::{
    envelope::{Position, Token},
    event_handler, handlers,
    operations::{Operator, Parked},
    query::Views,
    runtime::{ProjectionState, RuntimeOptions},
    store::{EventStore as _, Partition, ProjectionId, Sequence, Standing, ViewStore as _},
};

use crate::{
    divided::{LEASE, app, app_with, caught_up, curse, shared},
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{
        Mended, account_stream, append, applied_here, assert_equals_a_fold_from_scratch, assert_mended,
        eventually, health, runs,
    },
};

macro_rules! divided {
    ($type:ident, $version:literal, $partitions:literal, $policy:literal) => {
        #[derive(cqrs_core::Projection, Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[projection(name = "late", version = $version, events(AccountEvent), default, partitions = $partitions, on_error = $policy)]
        struct $type {
            amounts: Vec<i64>,
        }

        #[handlers(ignore(AccountOpened, Labelled, Noted, HandedOver, AccountClosed))]
        impl $type {
            #[event_handler]
            fn on_deposited(&mut self, event: &Deposited) {
                self.amounts.push(event.amount / 100);
            }

            #[event_handler]
            fn on_cursed(&mut self, _: &Cursed) {
                self.amounts.push(-7);
                assert_mended();
            }
        }
    };
}

divided!(One, 1, 1, "park");
divided!(Two, 1, 2, "park");
divided!(Eight, 1, 8, "park");
divided!(Halts, 1, 1, "halt");
divided!(Next, 2, 2, "park");

async fn fill(log: &FaultyLog, accounts: u64) {
    for nth in 0..accounts {
        append(log, &account_stream(&format!("a{nth}")), &[("deposited", r#"{"units":1}"#)]).await;
    }
}

async fn whole(views: &FaultyViews) -> Option<(u16, Standing)> {
    let checkpoint = views.inner.checkpoint(&ProjectionId::of::<One>()).await.unwrap()?;
    Some((checkpoint.partitions, checkpoint.standing))
}

async fn waits(views: &FaultyViews) {
    eventually("a call is held up", async || views.faults.waiting.load(SeqCst) > 0).await;
}

fn stand_still(views: &FaultyViews) {
    views.faults.stands_still.send_replace(true);
}

/// One that gives a rebuild up is held up before it removes it. Another one does so, and begins the next, which answers.
#[tokio::test]
async fn one_that_gave_a_rebuild_up_long_ago_does_not_remove_the_build_that_answers() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let late = views.beside();
    let first = app::<One>(&log, &late).await;
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    // It is prepared where it is begun, and where it is built, which takes its time.
    let prepared = AtomicUsize::new(0);
    late.hold_up(move |call| {
        call.starts_with("removes")
            || (call == "prepares late v1, build 1" && prepared.fetch_add(1, SeqCst) > 0)
    });
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    waits(&late).await;
    let given_up = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move { operator.abandon_rebuild(&id).await }
    });
    eventually("it is about to be removed", async || late.faults.waiting.load(SeqCst) > 1).await;
    stand_still(&late);
    let second = app::<One>(&log, &views.beside()).await;
    given_up.await.unwrap().unwrap();
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    eventually("the rebuild answers", async || {
        Views::new(views.inner.clone()).build::<One>().await.unwrap() == id.generation(2)
    })
    .await;
    late.go_on();
    tokio::time::sleep(Duration::from_millis(50)).await;
    late.faults.stands_still.send_replace(false);
    fill(&log, 30).await;
    caught_up::<One>(&log, &views).await;
    let readers = Views::new(views.inner.clone());
    assert_eq!(readers.build::<One>().await.unwrap(), id.generation(2));
    let list = readers.views::<One>().limit(100).await.unwrap();
    assert_eq!(list.items.iter().filter(|view| view.amounts.len() == 2).count(), 30);
    first.shutdown().await;
    second.shutdown().await;
}

/// One that divides a build is held up before it says so, until another one has looked how it is divided, but has not
/// claimed it yet.
#[tokio::test]
async fn a_division_that_is_written_late_is_seen_by_the_one_that_takes_over() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let one = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    one.shutdown().await;
    let late = views.beside();
    late.hold_up(|call| call == "commits late v1: live, 8");
    let eight = app::<Eight>(&log, &late).await;
    waits(&late).await;
    stand_still(&late);
    let next = views.beside();
    // It is prepared at the start, and by the one that leads.
    let prepared = AtomicUsize::new(0);
    next.hold_up(move |call| call == "prepares late v1" && prepared.fetch_add(1, SeqCst) == 1);
    let building = tokio::spawn({
        let (log, next) = (log.clone(), next.clone());
        async move { app::<One>(&log, &next).await }
    });
    waits(&next).await;
    late.go_on();
    eventually("it is said late", async || whole(&views).await == Some((8, Standing::Live))).await;
    next.go_on();
    let one = building.await.unwrap();
    fill(&log, 30).await;
    caught_up::<One>(&log, &views).await;
    assert_equals_a_fold_from_scratch::<One>(&log, &views.inner).await;
    late.faults.stands_still.send_replace(false);
    eight.shutdown().await;
    one.shutdown().await;
}

/// One is held up while it writes, and others divide the build anew meanwhile.
#[tokio::test]
async fn one_that_wakes_up_after_a_division_joins_the_others() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let late = views.beside();
    let eight = app::<Eight>(&log, &late).await;
    shared::<Eight>(&[&eight], 8).await;
    caught_up::<Eight>(&log, &views).await;
    late.shut();
    fill(&log, 30).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stand_still(&late);
    let two = app::<Two>(&log, &views.beside()).await;
    shared::<Two>(&[&two], 2).await;
    late.open();
    tokio::time::sleep(Duration::from_millis(50)).await;
    late.faults.stands_still.send_replace(false);
    fill(&log, 30).await;
    caught_up::<Two>(&log, &views).await;
    let state = health::<Eight>(&eight).await.state;
    assert!(!matches!(state, ProjectionState::Halted { .. }), "{state:?}");
    assert_equals_a_fold_from_scratch::<Two>(&log, &views.inner).await;
    eight.shutdown().await;
    two.shutdown().await;
}

/// A rebuild has caught up, and halts before the other one stops for it.
#[tokio::test]
async fn a_rebuild_that_halts_once_it_has_caught_up_is_not_waited_for() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let options = RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_secs(1));
    let app = app_with::<Halts>(&log, &views, options).await;
    caught_up::<Halts>(&log, &views).await;
    let id = ProjectionId::of::<Halts>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    operator.pause(&id).await.unwrap();
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    eventually("the rebuild has caught up", async || {
        let rebuild = health::<Halts>(&app).await.rebuild;
        rebuild.is_some_and(|rebuild| rebuild.applied == Position::new(30))
    })
    .await;
    curse(&log, "a1").await;
    eventually("it has halted", async || {
        health::<Halts>(&app).await.rebuild.is_some_and(|rebuild| rebuild.halted.is_some())
    })
    .await;
    // The one that answers has noticed by now.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    operator.abandon_rebuild(&id).await.unwrap();
    let _mended = Mended::new();
    operator.resume(&id).await.unwrap();
    caught_up::<Halts>(&log, &views).await;
    app.shutdown().await;
}

/// Its partitions are at different positions, and it stands still.
#[tokio::test]
async fn a_request_for_all_documents_is_served_while_a_projection_is_paused() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    let slow = views.beside();
    let second = app::<Eight>(&log, &slow).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    eventually("both have some", async || !runs::<Eight>(&second).await.is_empty()).await;
    slow.shut();
    fill(&log, 30).await;
    let head = log.head().await.unwrap();
    eventually("the first is as far", async || applied_here::<Eight>(&first).await == Some(head)).await;
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(5));
    operator.pause(&id).await.unwrap();
    // The one is killed while it writes, and the other one stops.
    first.shutdown().await;
    stand_still(&slow);
    tokio::time::sleep(LEASE * 2).await;
    let third = app::<Eight>(&log, &views.beside()).await;
    shared::<Eight>(&[&third], 8).await;
    eventually("it stands still", async || {
        matches!(health::<Eight>(&third).await.state, ProjectionState::Paused { .. })
    })
    .await;
    let retried = operator.retry(&id, Parked::All, true).await;
    let resumed = operator.resume(&id).await;
    assert!(retried.is_ok() && resumed.is_ok(), "{retried:?}, {resumed:?}");
    third.shutdown().await;
    drop(second);
}

/// One takes over all partitions, which are at different positions.
#[tokio::test]
async fn no_partition_is_led_back_to_where_the_others_are() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    let slow = views.beside();
    let second = app::<Eight>(&log, &slow).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    eventually("both have some", async || !runs::<Eight>(&second).await.is_empty()).await;
    slow.shut();
    fill(&log, 30).await;
    fill(&log, 30).await;
    let head = log.head().await.unwrap();
    eventually("the first is as far", async || applied_here::<Eight>(&first).await == Some(head)).await;
    first.shutdown().await;
    stand_still(&slow);
    tokio::time::sleep(LEASE * 2).await;
    let last = views.beside();
    let third = app::<Eight>(&log, &last).await;
    shared::<Eight>(&[&third], 8).await;
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(last.faults.commits_back.load(SeqCst), 0);
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
    third.shutdown().await;
    drop(second);
}

/// One that is about to take partitions is held up while another one switches to a build.
#[tokio::test]
async fn one_that_takes_partitions_runs_those_of_the_build_that_answers_by_now() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&first], 8).await;
    let late = views.beside();
    late.hold_up(|call| call == "puts leases of late v1");
    let second = app::<Eight>(&log, &late).await;
    waits(&late).await;
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    eventually("the rebuild answers", async || {
        Views::new(views.inner.clone()).build::<Eight>().await.unwrap() == id.generation(1)
    })
    .await;
    late.go_on();
    eventually("both have some", async || {
        runs::<Eight>(&first).await.len() == 4 && runs::<Eight>(&second).await.len() == 4
    })
    .await;
    fill(&log, 30).await;
    caught_up::<Eight>(&log, &views).await;
    first.shutdown().await;
    second.shutdown().await;
}

/// As above; another one divides the build anew meanwhile, which has been divided like that before.
#[tokio::test]
async fn one_that_takes_partitions_runs_those_of_the_division_that_counts_by_now() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&first], 8).await;
    let late = views.beside();
    late.hold_up(|call| call == "puts leases of late v1");
    let second = app::<Eight>(&log, &late).await;
    waits(&late).await;
    let third = app::<Two>(&log, &views.beside()).await;
    first.shutdown().await;
    shared::<Two>(&[&third], 2).await;
    late.go_on();
    eventually("it runs some", async || !runs::<Two>(&second).await.is_empty()).await;
    let of_second = runs::<Two>(&second).await;
    assert!(of_second.iter().all(|partition| partition.of() == 2), "{of_second:?}");
    fill(&log, 30).await;
    caught_up::<Two>(&log, &views).await;
    second.shutdown().await;
    third.shutdown().await;
    assert_equals_a_fold_from_scratch::<Two>(&log, &views.inner).await;
}

/// The answers of a process that has asked the build before.
async fn all_are_fresh(readers: &Views, log: &FaultyLog) {
    let token = Token::new(log.log_id(), log.head().await.unwrap());
    for nth in 0..30 {
        let key = account(format!("a{nth}"));
        let answer = readers.view::<Eight>(&key).at_least(&token).within(Duration::from_secs(10)).await;
        assert_eq!(answer.unwrap().as_ref().unwrap().amounts.len(), 2, "a{nth}");
    }
}

#[tokio::test]
async fn whoever_asked_a_partition_of_the_build_before_is_told_of_the_switch() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let late = views.beside();
    let first = app::<Eight>(&log, &late).await;
    caught_up::<Eight>(&log, &views).await;
    shared::<Eight>(&[&first], 8).await;
    let readers = Views::new(views.inner.clone());
    for nth in 0..30 {
        readers.view::<Eight>(&account(format!("a{nth}"))).await.unwrap();
    }
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    let switched = async || {
        let whole = views.inner.checkpoint(&id).await.unwrap().unwrap();
        whole.standing == Standing::Superseded { by: 1 }
    };
    eventually("the rebuild answers", switched).await;
    fill(&log, 30).await;
    all_are_fresh(&readers, &log).await;
    first.shutdown().await;
}

/// The one that switches dies before it says so to the partitions of the build before.
#[tokio::test]
async fn the_next_one_that_leads_tells_those_that_ask_a_partition_of_the_build_before() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let late = views.beside();
    let first = app::<Eight>(&log, &late).await;
    shared::<Eight>(&[&first], 8).await;
    caught_up::<Eight>(&log, &views).await;
    let readers = Views::new(views.inner.clone());
    for nth in 0..30 {
        readers.view::<Eight>(&account(format!("a{nth}"))).await.unwrap();
    }
    late.hold_up(|call| call.contains("superseded by 1"));
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    waits(&late).await;
    stand_still(&late);
    let second = app::<Eight>(&log, &views.beside()).await;
    fill(&log, 30).await;
    all_are_fresh(&readers, &log).await;
    second.shutdown().await;
    drop(first);
}

/// Of most partitions nothing is heard but that they are told of.
#[tokio::test]
async fn a_list_does_not_wait_for_the_heartbeat_of_partitions_without_events() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let options = RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_mins(2));
    let app = app_with::<Eight>(&log, &views, options).await;
    shared::<Eight>(&[&app], 8).await;
    caught_up::<Eight>(&log, &views).await;
    for _ in 0..3 {
        fill(&log, 1).await;
        caught_up::<Eight>(&log, &views).await;
    }
    app.shutdown().await;
}

#[tokio::test]
async fn what_is_parked_in_all_partitions_counts_against_the_bound() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let options = RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_millis(20)).max_parked(2);
    let app = app_with::<Eight>(&log, &views, options).await;
    shared::<Eight>(&[&app], 8).await;
    // Each in a partition of its own.
    let mut keys: Vec<String> = Vec::new();
    for key in (0..100).map(|nth| format!("a{nth}")) {
        let of = |key: &str| Partition::of_key(key).among(8);
        if keys.len() < 3 && keys.iter().all(|known| of(known) != of(&key)) {
            curse(&log, &key).await;
            keys.push(key);
            if keys.len() < 3 {
                caught_up::<Eight>(&log, &views).await;
            }
        }
    }
    eventually("it halts", async || {
        matches!(health::<Eight>(&app).await.state, ProjectionState::Halted { .. })
    })
    .await;
    let _mended = Mended::new();
    app.shutdown().await;
}

/// The build itself keeps no letters of the time before it was divided.
#[tokio::test]
async fn what_was_retried_in_partitions_is_not_parked_again_once_they_are_one() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 10).await;
    curse(&log, "a1").await;
    let one = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    one.shutdown().await;
    let eight = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&eight], 8).await;
    let _mended = Mended::new();
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    operator.retry(&id, Parked::All, false).await.unwrap();
    eight.shutdown().await;
    let one = app::<One>(&log, &views).await;
    eventually("it is one", async || whole(&views).await == Some((1, Standing::Live))).await;
    fill(&log, 10).await;
    caught_up::<One>(&log, &views).await;
    assert_eq!(Operator::new(views.inner.clone(), "ada").parked(&id).await.unwrap(), []);
    assert_equals_a_fold_from_scratch::<One>(&log, &views.inner).await;
    one.shutdown().await;
}

/// The partitions of a division before keep no letters of their time.
#[tokio::test]
async fn what_was_retried_is_not_parked_again_once_the_build_is_divided_as_it_was_before() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 10).await;
    curse(&log, "a1").await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    let eight = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&eight], 8).await;
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(operator.parked(&id).await.unwrap(), [Sequence::Document("a1".to_owned())]);
    eight.shutdown().await;
    let two = app::<Two>(&log, &views).await;
    shared::<Two>(&[&two], 2).await;
    let _mended = Mended::new();
    let report = operator.retry(&id, Parked::All, false).await.unwrap();
    assert_eq!((report.retried, report.failing), (1, vec![]));
    two.shutdown().await;
    let eight = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&eight], 8).await;
    assert_eq!(operator.parked(&id).await.unwrap(), []);
    fill(&log, 10).await;
    caught_up::<Eight>(&log, &views).await;
    eight.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
}

/// A rebuild that is given up is about to begin once more.
#[tokio::test]
async fn a_rebuild_that_was_given_up_does_not_come_back() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let app = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(10));
    let (prepared, released) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    views.hold_up(move |call| call == "prepares late v1, build 1" && prepared.fetch_add(1, SeqCst) > 0);
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    waits(&views).await;
    // Once it is removed, others are quicker than the record of the request.
    let (freed, calls) = (views.clone(), AtomicUsize::new(0));
    views.hold_up_besides(move |call| {
        if call.starts_with("removes") {
            released.store(true, SeqCst);
        }
        call.starts_with("puts") && released.load(SeqCst) && calls.fetch_add(1, SeqCst) == 0
    });
    let given_up = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move { operator.abandon_rebuild(&id).await }
    });
    eventually("it is removed", async || freed.faults.waiting.load(SeqCst) > 1).await;
    views.go_on_first();
    tokio::time::sleep(Duration::from_millis(100)).await;
    views.go_on();
    given_up.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let readers = Views::new(views.inner.clone());
    assert_eq!(readers.build::<One>().await.unwrap(), id);
    let known = views.inner.checkpoint(&id.generation(1)).await.unwrap();
    assert!(known.is_none(), "{known:?}");
    app.shutdown().await;
}

/// There are more applications than partitions, and the one that leads runs none.
#[tokio::test]
async fn a_new_version_answers_also_where_the_one_that_leads_runs_no_partition() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 60).await;
    let old = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    old.shutdown().await;
    log.faults.read_millis.store(100, SeqCst);
    let options = || {
        let options = RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_millis(20));
        options.batch(1).backlog_batch(1)
    };
    let first = app_with::<Next>(&log, &views.beside(), options()).await;
    shared::<Next>(&[&first], 2).await;
    let running = views.beside();
    let second = app_with::<Next>(&log, &running, options()).await;
    eventually("it runs one", async || runs::<Next>(&second).await.len() == 1).await;
    let (leads, takes) = (views.beside(), views.beside());
    let third = app_with::<Next>(&log, &leads, options()).await;
    let fourth = app_with::<Next>(&log, &takes, options()).await;
    tokio::time::sleep(LEASE).await;
    let puts = |call: &str| call == "puts leases of late v2";
    running.hold_up(puts);
    takes.hold_up(puts);
    let count = AtomicUsize::new(0);
    leads.hold_up(move |call| puts(call) && count.fetch_add(1, SeqCst) > 0);
    first.shutdown().await;
    waits(&leads).await;
    takes.go_on();
    eventually("another one takes it", async || runs::<Next>(&fourth).await.len() == 1).await;
    leads.go_on();
    running.go_on();
    log.faults.read_millis.store(0, SeqCst);
    let id = ProjectionId::of::<Next>();
    let all = async || {
        let builds = views.builds("late").await.unwrap();
        let partitions =
            builds.iter().filter(|build| build.id.version == 2 && !build.id.partition.is_whole());
        partitions.filter(|build| build.checkpoint.is_some_and(|it| it.position == Position::new(60))).count()
    };
    eventually("its partitions catch up", async || all().await == 2).await;
    eventually("it answers", async || {
        views.inner.checkpoint(&id).await.unwrap().unwrap().standing == Standing::Live
    })
    .await;
    for app in [second, third, fourth] {
        app.shutdown().await;
    }
}
