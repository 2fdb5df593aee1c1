//! Promises of projections that are operated, each shown where it is hardest to keep.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use cqrs_core::{
    app::App,
    domain::Projection,
    envelope::Position,
    event_handler, handlers,
    operations::{Operator, Parked, RequestOutcome},
    query::Views,
    runtime::{ProjectionState, RuntimeOptions},
    store::{
        Checkpoint, Commit, EventStore as _, Partition, ProjectionId, ProjectionSpec, Sequence, Standing,
        ViewStore as _,
    },
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    divided::{
        Eight, One, Two, app, app_with, caught_up, checkpoint, curse, deposit, open, options, shared, spread,
    },
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, applied_here, assert_mended, eventually, health, runs},
};

spread!(Changed, version = 1, partitions = 1, times = 2);
spread!(Newer, version = 2, partitions = 1, times = 1);

/// Events of many streams reach a document.
#[derive(cqrs_core::Projection, Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[projection(name = "holdings", events(AccountOpened, HandedOver), key = OwnerId, default, partitions = 4)]
struct Holdings {
    accounts: i64,
}

#[handlers]
impl Holdings {
    #[event_handler(key = event.owner.clone())]
    fn on_opened(&mut self, event: &AccountOpened) {
        let _ = event;
        self.accounts += 1;
    }

    #[event_handler(keys = [event.from.clone(), event.to.clone()])]
    fn on_handed_over(&mut self, event: &HandedOver) {
        let _ = event;
        self.accounts += 10;
    }
}

async fn stands_still<P: Projection>(app: &App) {
    let paused = ProjectionState::Paused { by: "ada".to_owned() };
    eventually("it stands still", async || health::<P>(app).await.state == paused).await;
}

/// How many deposits each of the accounts has, as the documents tell.
async fn deposits(views: &FaultyViews, id: &ProjectionId, accounts: u64) -> Vec<usize> {
    let keys: Vec<String> = (0..accounts).map(|nth| format!("a{nth}")).collect();
    let mut documents = views.inner.load(id, &keys).await.unwrap();
    documents.sort_by(|a, b| a.key.cmp(&b.key));
    let count = |text: String| {
        text.split(['[', ']']).nth(1).map_or(0, |list| list.split(',').filter(|it| !it.is_empty()).count())
    };
    documents.into_iter().map(|it| count(it.data.unwrap().as_str().to_owned())).collect()
}

/// Whoever does what was asked may be interrupted, and begins again.
#[tokio::test(start_paused = true)]
async fn a_request_to_skip_gives_up_one_event_of_a_sequence_also_where_it_is_interrupted() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<One>(&log, &views).await;
    open(&log, 0..1).await;
    curse(&log, "a0").await;
    deposit(&log, "a0", 7).await;
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada");
    // The read store is away for a moment, after the event was given up and before the next one was tried.
    views.faults.loads_fail.store(1, SeqCst);
    let report = operator.skip(&id, Sequence::Document("a0".to_owned()), "it is cursed").await;
    assert_eq!(views.faults.loads_fail.load(SeqCst), 0, "it was interrupted");
    eventually("nothing is parked", async || operator.parked(&id).await.unwrap().is_empty()).await;
    let view = app.view::<One>(&account("a0")).await.unwrap();
    assert_eq!(view.as_ref().unwrap().amounts, [7], "the event behind it was given up, too: {report:?}");
    app.shutdown().await;
}

/// As above; the record of what came of it is what can't be written.
#[tokio::test(start_paused = true)]
async fn a_request_to_skip_gives_up_one_event_also_where_its_outcome_is_written_late() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<One>(&log, &views).await;
    open(&log, 0..1).await;
    for units in 1..4 {
        curse(&log, "a0").await;
        deposit(&log, "a0", units).await;
    }
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada");
    let puts = Arc::new(AtomicUsize::new(0));
    views.hold_up({
        let puts = Arc::clone(&puts);
        move |what| what.starts_with("puts requests") && puts.fetch_add(1, SeqCst) == 1
    });
    let asked = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move { operator.skip(&id, Sequence::Document("a0".to_owned()), "it is cursed").await }
    });
    eventually("it is done, and not written down", async || views.faults.waiting.load(SeqCst) > 0).await;
    views.faults.away.store(true, SeqCst);
    views.go_on();
    eventually("it starts over", async || {
        matches!(health::<One>(&app).await.state, ProjectionState::Retrying { .. })
    })
    .await;
    views.faults.away.store(false, SeqCst);
    asked.await.unwrap().unwrap();
    let letters = operator.dead_letters(&id, None, Position::ZERO, 10).await.unwrap();
    let positions: Vec<u64> = letters.iter().map(|letter| letter.position.get()).collect();
    assert_eq!(positions, [4, 5, 6, 7], "one event was to be given up");
    let outcome = operator.requests(&id).await.unwrap().pop().unwrap().asked.outcome;
    assert!(matches!(outcome, Some(RequestOutcome::Done(report)) if report.skipped == 1));
    app.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_waits_in_each_partition_counts_once_against_the_most_that_may_be_parked() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app_with::<Holdings>(&log, &views, options().max_parked(3)).await;
    append(&log, &account_stream("x"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    caught_up::<Holdings>(&log, &views).await;
    eventually("it runs all of them", async || runs::<Holdings>(&app).await.len() == 4).await;
    // It can't be read, so that nobody knows which documents it is for: one stream is parked.
    append(&log, &account_stream("x"), &[("handed_over", "7")]).await;
    append(&log, &account_stream("y"), &[("account_opened", r#"{"owner":"eve"}"#)]).await;
    let head = log.head().await.unwrap();
    eventually("it goes on, or halts", async || {
        let is_halted = matches!(health::<Holdings>(&app).await.state, ProjectionState::Halted { .. });
        is_halted || checkpoint::<Holdings>(&views).await >= head
    })
    .await;
    let state = health::<Holdings>(&app).await.state;
    assert!(!matches!(state, ProjectionState::Halted { .. }), "one bad event has stopped all: {state:?}");
    app.shutdown().await;
}

#[tokio::test]
async fn the_most_that_may_be_parked_is_that_of_the_projection_however_many_applications_run_it() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let limited = options().max_parked(2);
    let first = app_with::<Eight>(&log, &views, limited).await;
    let second = app_with::<Eight>(&log, &views.beside(), limited).await;
    open(&log, 0..40).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    let mine = runs::<Eight>(&first).await;
    let is_mine = |nth: &u64| mine.contains(&Partition::of_key(&format!("a{nth}")).among(8));
    let (of_first, of_second): (Vec<u64>, Vec<u64>) = (0..40).partition(is_mine);
    for nth in &of_first[..2] {
        curse(&log, &format!("a{nth}")).await;
    }
    caught_up::<Eight>(&log, &views).await;
    // As many as may be are parked now, none of them in partitions of the second one.
    for nth in &of_second[..2] {
        curse(&log, &format!("a{nth}")).await;
    }
    let head = log.head().await.unwrap();
    let is_halted =
        async |app: &App| matches!(health::<Eight>(app).await.state, ProjectionState::Halted { .. });
    eventually("it halts, or goes on", async || {
        is_halted(&first).await || is_halted(&second).await || checkpoint::<Eight>(&views).await >= head
    })
    .await;
    let parked =
        Operator::new(views.inner.clone(), "ada").parked(&ProjectionId::of::<Eight>()).await.unwrap();
    assert!(parked.len() <= 2, "{} sequences are parked, and the limit is 2", parked.len());
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_paused_projection_applies_nothing_while_its_partitions_are_gathered_for_an_operator() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    open(&log, 0..40).await;
    curse(&log, "a0").await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    operator.pause(&id).await.unwrap();
    stands_still::<Eight>(&first).await;
    stands_still::<Eight>(&second).await;
    for nth in 1..40 {
        deposit(&log, &format!("a{nth}"), 1).await;
    }
    operator.retry(&id, Parked::All, false).await.unwrap();
    let deposits = deposits(&views, &id, 40).await;
    assert_eq!(deposits.iter().sum::<usize>(), 0, "it is paused: {deposits:?}");
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_paused_projection_applies_nothing_to_partitions_that_change_hands() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slow = views.beside();
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &slow).await;
    open(&log, 0..40).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    // The second one writes no more, so its partitions stay behind.
    slow.shut();
    for nth in 0..40 {
        deposit(&log, &format!("a{nth}"), 1).await;
    }
    let head = log.head().await.unwrap();
    eventually("the first one has all", async || applied_here::<Eight>(&first).await == Some(head)).await;
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    operator.pause(&id).await.unwrap();
    stands_still::<Eight>(&first).await;
    let before = deposits(&views, &id, 40).await;
    assert!(before.contains(&0) && before.contains(&1), "{before:?}");
    // It dies.
    slow.faults.stands_still.send_replace(true);
    eventually("the first one runs all", async || runs::<Eight>(&first).await.len() == 8).await;
    stands_still::<Eight>(&first).await;
    assert_eq!(deposits(&views, &id, 40).await, before, "it is paused");
    operator.resume(&id).await.unwrap();
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(deposits(&views, &id, 40).await, [1; 40]);
    first.shutdown().await;
}

/// A rebuild that another program goes on with, whose handlers are other ones.
#[tokio::test(start_paused = true)]
async fn documents_of_a_rebuild_that_other_handlers_went_on_with_are_outdated() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let limited = options().batch(10);
    let before = app_with::<One>(&log, &views, limited).await;
    open(&log, 0..1).await;
    for _ in 0..50 {
        deposit(&log, "a0", 1).await;
    }
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let build = id.generation(1);
    let operator = Operator::new(views.inner.clone(), "ada");
    let commits = Arc::new(AtomicUsize::new(0));
    views.hold_up({
        let commits = Arc::clone(&commits);
        move |what| {
            what.starts_with("commits spread v1, build 1: building") && commits.fetch_add(1, SeqCst) > 3
        }
    });
    operator.rebuild(&id, Position::ZERO).await.unwrap();
    eventually("it is half built", async || views.faults.waiting.load(SeqCst) > 0).await;
    before.shutdown().await;
    let half = views.inner.checkpoint(&build).await.unwrap().unwrap();
    assert!(half.position > Position::new(5) && half.position < Position::new(51), "{half:?}");

    let after = app_with::<Changed>(&log, &views.beside(), limited).await;
    eventually("the build answers", async || {
        Views::new(views.inner.clone()).build::<One>().await.unwrap() == build
    })
    .await;
    deposit(&log, "a0", 1).await;
    let head = log.head().await.unwrap();
    eventually("it goes on", async || {
        let health = health::<Changed>(&after).await;
        health.applied == head && health.state == ProjectionState::Live && health.rebuild.is_none()
    })
    .await;
    let view = after.view::<Changed>(&account("a0")).await.unwrap().into_value().unwrap();
    let is_mixed = view.amounts.contains(&1) && view.amounts.contains(&2);
    assert!(!is_mixed || health::<Changed>(&after).await.outdated, "{:?}", view.amounts);
    after.shutdown().await;
}

/// Whoever asks it still has the whole time to stop that.
#[tokio::test(start_paused = true)]
async fn the_time_of_grace_of_a_version_begins_when_nobody_runs_it_any_more() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let grace = Duration::from_mins(2);
    let slow = RuntimeOptions::default().grace(grace);
    let older = app_with::<One>(&log, &views, slow).await;
    open(&log, 0..1).await;
    caught_up::<One>(&log, &views).await;
    let newer = app_with::<Newer>(&log, &views.beside(), slow).await;
    caught_up::<Newer>(&log, &views).await;
    // A rolling deploy that takes its time.
    tokio::time::sleep(grace * 2).await;
    older.shutdown().await;
    tokio::time::sleep(grace / 2).await;
    let builds = views.builds("spread").await.unwrap();
    assert!(builds.iter().any(|build| build.id.version == 1), "it is gone at once: {builds:?}");
    tokio::time::sleep(grace).await;
    let builds = views.builds("spread").await.unwrap();
    assert!(builds.iter().all(|build| build.id.version == 2), "it stays for ever: {builds:?}");
    newer.shutdown().await;
}

/// Nothing is in the log, so that it has written nothing since it began.
#[tokio::test(start_paused = true)]
async fn a_new_version_is_as_fresh_as_the_older_one_as_it_takes_over() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let older = app::<One>(&log, &views).await;
    let as_of = async |id: &ProjectionId| views.inner.checkpoint(id).await.unwrap().map(|it| it.as_of);
    let [answered, answers] = [ProjectionId::of::<One>(), ProjectionId::of::<Newer>()];
    eventually("it answers", async || as_of(&answered).await > Some(Timestamp::UNIX_EPOCH)).await;
    older.shutdown().await;
    let before = as_of(&answered).await;
    let next = views.beside();
    let commits = AtomicUsize::new(0);
    // Not the one that takes over: what comes after it.
    next.hold_up(move |what| what.starts_with("commits spread v2: live") && commits.fetch_add(1, SeqCst) > 0);
    let newer = app::<Newer>(&log, &next).await;
    eventually("it has taken over", async || next.faults.waiting.load(SeqCst) > 0).await;
    let after = as_of(&answers).await;
    assert!(after >= before, "what is answered is as of {after:?}, and was of {before:?}");
    next.go_on();
    newer.shutdown().await;
}

fn made_up(position: u64, head: u64, as_of: Timestamp, partitions: u16) -> Checkpoint {
    Checkpoint {
        log: cqrs_core::envelope::LogId::from_uuid(uuid::Uuid::nil()),
        position: Position::new(position),
        last: None,
        diverged: false,
        head: Position::new(head),
        as_of,
        parked: 0,
        fence: 1,
        standing: Standing::Live,
        partitions,
    }
}

/// The others move, so that the sum of all does, too.
#[tokio::test(start_paused = true)]
async fn a_partition_that_stands_still_is_a_breach_for_readers_whatever_the_clock_of_its_host_says() {
    let views = FaultyViews::new();
    let id = ProjectionId::of::<Two>();
    let partitions: Vec<ProjectionId> = Partition::all(2).map(|it| id.partition(it)).collect();
    for id in partitions.iter().chain([&id]) {
        views.inner.prepare(&ProjectionSpec { id: id.clone(), ..ProjectionSpec::of::<Two>() }).await.unwrap();
    }
    let now = Timestamp::now();
    // The clock of the one that has died was an hour ahead.
    let ahead = now + SignedDuration::from_hours(1);
    let first = Commit::of(Position::ZERO, made_up(5, 5, ahead, 2));
    views.inner.commit(&partitions[0], first).await.unwrap();
    views.inner.commit(&partitions[1], Commit::of(Position::ZERO, made_up(5, 5, now, 2))).await.unwrap();
    views.inner.commit(&id, Commit::of(Position::ZERO, made_up(5, 5, now, 2))).await.unwrap();
    let monitor = Views::new(views.clone())
        .lag_monitor()
        .projection::<Two>()
        .heartbeat(Duration::from_millis(100))
        .start();
    for step in 0..100 {
        let (from, to) = (5 + step, 6 + step);
        // By its clock, which is an hour ahead, too.
        let moved = Commit::of(
            Position::new(from),
            made_up(to, to, ahead + SignedDuration::from_millis(step.cast_signed() * 100), 2),
        );
        views.inner.commit(&partitions[1], moved).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let health = monitor.health().into_iter().next().unwrap();
    let worst = health.partitions.iter().map(|partition| partition.lag.time).max().unwrap();
    assert!(worst > Duration::from_secs(9), "{health:?}");
    assert!(health.lag.time >= worst, "{:?} of all, but {worst:?} of one of them", health.lag);
    assert!(health.breached, "{health:?}");
}

/// Its outcome can't be written for a moment, after it was done.
async fn is_interrupted_as_its_outcome_is_written(views: &FaultyViews, app: &App) {
    eventually("it is done, and not written down", async || views.faults.waiting.load(SeqCst) > 0).await;
    views.faults.away.store(true, SeqCst);
    views.go_on();
    eventually("it starts over", async || {
        matches!(health::<One>(app).await.state, ProjectionState::Retrying { .. })
    })
    .await;
    views.faults.away.store(false, SeqCst);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_done_is_on_record_as_done_also_where_its_outcome_is_written_late() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<One>(&log, &views).await;
    open(&log, 0..1).await;
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada");
    let puts = Arc::new(AtomicUsize::new(0));
    views.hold_up({
        let puts = Arc::clone(&puts);
        move |what| what.starts_with("puts requests") && puts.fetch_add(1, SeqCst) == 1
    });
    let asked = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move { operator.rebuild(&id, Position::ZERO).await }
    });
    is_interrupted_as_its_outcome_is_written(&views, &app).await;
    let outcome = asked.await.unwrap();
    assert!(outcome.is_ok(), "the build was begun, and this is on record: {outcome:?}");
    app.shutdown().await;
}

/// A build that was made room for, and not begun.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_build_that_was_never_begun_is_removed() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let grace = Duration::from_mins(1);
    let app = app_with::<One>(&log, &views, options().grace(grace)).await;
    open(&log, 0..1).await;
    caught_up::<One>(&log, &views).await;
    let id = ProjectionId::of::<One>();
    let operator = Operator::new(views.inner.clone(), "ada");
    views.hold_up(|what| what.starts_with("commits spread v1, build 1: building"));
    let asked = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move { operator.rebuild(&id, Position::ZERO).await }
    });
    is_interrupted_as_its_outcome_is_written(&views, &app).await;
    asked.await.unwrap().unwrap();
    eventually("a build answers", async || {
        let answers = Views::new(views.inner.clone()).build::<One>().await.unwrap();
        answers > id.generation(1)
    })
    .await;
    tokio::time::sleep(grace * 3).await;
    let builds = views.builds("spread").await.unwrap();
    assert_eq!(builds.len(), 1, "{:?}", builds.iter().map(|build| build.id.to_string()).collect::<Vec<_>>());
    app.shutdown().await;
}

/// It was held up on its way to the read store, as by `SIGSTOP`, and the older version was deployed again meanwhile.
#[tokio::test(start_paused = true)]
async fn whoever_is_late_to_remove_an_older_version_leaves_one_that_is_run_again_alone() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let grace = Duration::from_secs(30);
    let slow = options().grace(grace);
    let older = app_with::<One>(&log, &views, slow).await;
    open(&log, 0..1).await;
    caught_up::<One>(&log, &views).await;
    older.shutdown().await;
    let late = views.beside();
    late.hold_up(|what| what == "removes spread v1");
    let newer = app_with::<Newer>(&log, &late, slow).await;
    caught_up::<Newer>(&log, &views).await;
    eventually("it is about to remove it", async || late.faults.waiting.load(SeqCst) > 0).await;
    let again = app_with::<One>(&log, &views.beside(), slow).await;
    eventually("it runs", async || health::<One>(&again).await.state == ProjectionState::Live).await;
    deposit(&log, "a0", 1).await;
    caught_up::<One>(&log, &views).await;
    late.go_on();
    deposit(&log, "a0", 2).await;
    let head = log.head().await.unwrap();
    eventually("it goes on, or halts", async || {
        let health = health::<One>(&again).await;
        health.applied == head || matches!(health.state, ProjectionState::Halted { .. })
    })
    .await;
    let state = health::<One>(&again).await.state;
    assert!(!matches!(state, ProjectionState::Halted { .. }), "{state:?}");
    let view = again.view::<One>(&account("a0")).await.unwrap();
    assert_eq!(view.as_ref().map(|view| view.amounts.clone()), Some(vec![1, 2]));
    again.shutdown().await;
    newer.shutdown().await;
}

/// More applications than partitions: who leads may run none.
#[tokio::test]
async fn whoever_leads_without_a_partition_does_not_say_that_another_one_leads() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, 0..4).await;
    let first = app::<Two>(&log, &views).await;
    let of_second = views.beside();
    let second = app::<Two>(&log, &of_second).await;
    shared::<Two>(&[&first, &second], 2).await;
    let (of_third, of_fourth) = (views.beside(), views.beside());
    let third = app::<Two>(&log, &of_third).await;
    let fourth = app::<Two>(&log, &of_fourth).await;
    let stands_by =
        async |app: &App| matches!(health::<Two>(app).await.state, ProjectionState::Standby { .. });
    eventually("two of them stand by", async || stands_by(&third).await && stands_by(&fourth).await).await;
    // The third one is to lead, and the fourth one to get the partition that is free.
    for views in [&of_second, &of_fourth] {
        views.hold_up(|what| what.starts_with("puts leases"));
    }
    of_third.hold_up(|what| what.starts_with("commits spread v1: "));
    first.shutdown().await;
    eventually("the third one leads", async || of_third.faults.waiting.load(SeqCst) > 0).await;
    of_second.go_on();
    of_fourth.go_on();
    eventually("the fourth one runs a partition", async || runs::<Two>(&fourth).await.len() == 1).await;
    of_third.go_on();
    eventually("all see one who leads", async || {
        let of_third = health::<Two>(&third).await.owner;
        let others = [health::<Two>(&second).await.owner, health::<Two>(&fourth).await.owner];
        of_third.is_some() && others.iter().all(|other| *other == of_third)
    })
    .await;
    // Time for it to look what there is for it.
    eventually("it looks who runs what", async || {
        let before = of_third.faults.entries.load(SeqCst);
        eventually("it looks again", async || of_third.faults.entries.load(SeqCst) > before + 3).await;
        true
    })
    .await;
    let state = health::<Two>(&third).await.state;
    assert!(
        !matches!(state, ProjectionState::Standby { .. }),
        "it leads, and says that another one does: {state:?}"
    );
    for app in [second, third, fourth] {
        app.shutdown().await;
    }
}
