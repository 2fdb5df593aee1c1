//! What health says of a projection that several applications run: who runs what, and how far all of it is.

use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::App,
    domain::Projection,
    envelope::Position,
    operations::Operator,
    query::Views,
    runtime::{
        CheckpointHealth, CheckpointState, Lag, LagHook, LagMonitor, Owner, PartitionHealth,
        ProjectionHealth, ProjectionState, RuntimeOptions,
    },
    store::{EventStore as _, Partition, ProjectionId},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    divided::{Eight, One, app_with, curse, go_on, open, shared, stand_still},
    faults::{FaultyLog, FaultyViews},
    scene::{eventually, health, runs},
};

const LEASE: Duration = Duration::from_millis(600);
/// Where none is to be lost, whatever else the machine does.
const LONG_LEASE: Duration = Duration::from_secs(3);
const HEARTBEAT: Duration = Duration::from_millis(20);

fn options() -> RuntimeOptions {
    RuntimeOptions::default().lease(LEASE).heartbeat(HEARTBEAT)
}

async fn app<P: Projection>(log: &FaultyLog, views: &FaultyViews) -> App {
    app_with::<P>(log, views, options()).await
}

fn watching<P: Projection>(views: &FaultyViews) -> LagMonitor {
    Views::new(views.clone()).lag_monitor().projection::<P>().heartbeat(HEARTBEAT).start()
}

fn seen(monitor: &LagMonitor) -> CheckpointHealth {
    monitor.health().into_iter().next().unwrap()
}

/// Of each partition: who runs it, and how far it is.
fn each(partitions: &[PartitionHealth]) -> Vec<(Partition, Option<Uuid>, Position)> {
    let each = |it: &PartitionHealth| (it.partition, it.owner.as_ref().map(|owner| owner.id), it.applied);
    partitions.iter().map(each).collect()
}

fn owners(partitions: &[PartitionHealth]) -> BTreeSet<Option<Uuid>> {
    partitions.iter().map(|partition| partition.owner.as_ref().map(|owner| owner.id)).collect()
}

fn id(owner: Option<&Owner>) -> Option<Uuid> {
    owner.map(|owner| owner.id)
}

#[tokio::test]
async fn whoever_runs_or_reads_a_projection_sees_the_owner_and_the_position_of_each_partition() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    let monitor = watching::<Eight>(&views);
    shared::<Eight>(&[&first, &second], 8).await;
    open(&log, 0..40).await;
    let head = log.head().await.unwrap();
    let all_of = |partitions: &[PartitionHealth]| {
        let all = each(partitions);
        all.len() == 8 && all.iter().all(|(_, owner, applied)| owner.is_some() && *applied == head)
    };
    eventually("all see all of it", async || {
        all_of(&health::<Eight>(&first).await.partitions)
            && all_of(&health::<Eight>(&second).await.partitions)
            && all_of(&seen(&monitor).partitions)
    })
    .await;
    let (of_first, of_second) = (health::<Eight>(&first).await, health::<Eight>(&second).await);
    let of_reader = seen(&monitor);
    assert_eq!(each(&of_first.partitions), each(&of_second.partitions));
    assert_eq!(each(&of_first.partitions), each(&of_reader.partitions));
    assert_eq!(owners(&of_first.partitions).len(), 2);
    let named: Vec<Partition> = of_first.partitions.iter().map(|it| it.partition).collect();
    assert_eq!(named, Partition::all(8).collect::<Vec<_>>());
    // The first leads. What runs in an application is its own.
    for (health, leads) in [(&of_first, true), (&of_second, false)] {
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            health.partitions.iter().cloned().partition(|it| it.is_here);
        assert_eq!((owners(&here).len(), here.len(), elsewhere.len()), (1, 4, 4));
        assert!(here.iter().all(|it| it.age == Duration::ZERO), "{here:?}");
        assert_eq!(owners(&here).contains(&id(health.owner.as_ref())), leads);
        assert_eq!(
            (health.applied, health.lag, health.is_well()),
            (head, Lag::default(), true),
            "{health:?}"
        );
        assert_eq!(health.age, elsewhere.iter().map(|it| it.age).max().unwrap());
    }
    assert_eq!(id(of_first.owner.as_ref()), id(of_second.owner.as_ref()));
    assert_eq!(id(of_first.owner.as_ref()), id(of_reader.owner.as_ref()));
    assert!(of_reader.is_well() && of_reader.applied == head, "{of_reader:?}");
    for app in [first, second] {
        app.shutdown().await;
    }
}

#[tokio::test]
async fn partitions_of_an_owner_that_died_have_none_until_another_one_runs_them() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (dying, living) = (views.beside(), views.beside());
    let first = app::<Eight>(&log, &dying).await;
    let monitor = watching::<Eight>(&views);
    eventually("it runs all", async || runs::<Eight>(&first).await.len() == 8).await;
    let died = id(health::<Eight>(&first).await.owner.as_ref());
    eventually("a reader sees that", async || {
        let seen = seen(&monitor);
        id(seen.owner.as_ref()) == died && owners(&seen.partitions) == BTreeSet::from([died])
    })
    .await;
    stand_still(&dying);
    eventually("nobody runs it", async || {
        let seen = seen(&monitor);
        seen.owner.is_none() && owners(&seen.partitions) == BTreeSet::from([None])
    })
    .await;
    let second = app::<Eight>(&log, &living).await;
    eventually("another one runs all of it, and everybody sees that", async || {
        let (health, seen) = (health::<Eight>(&second).await, seen(&monitor));
        let owner = id(health.owner.as_ref());
        let all = BTreeSet::from([owner]);
        owner.is_some()
            && owner != died
            && (health.partitions.len(), seen.partitions.len()) == (8, 8)
            && (owners(&health.partitions), owners(&seen.partitions)) == (all.clone(), all)
            && id(seen.owner.as_ref()) == owner
    })
    .await;
    second.shutdown().await;
    drop(first);
}

#[tokio::test]
async fn one_that_shares_partitions_sees_those_of_another_one_that_died_as_its_own_in_the_end() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let dying = views.beside();
    let first = app::<Eight>(&log, &dying).await;
    let second = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&first, &second], 8).await;
    eventually("it sees them", async || {
        let health = health::<Eight>(&second).await;
        owners(&health.partitions).len() == 2 && health.partitions.len() == 8
    })
    .await;
    stand_still(&dying);
    open(&log, 0..40).await;
    let head = log.head().await.unwrap();
    eventually("it runs all", async || runs::<Eight>(&second).await.len() == 8).await;
    let health = async || health::<Eight>(&second).await;
    eventually("they are as far", async || health().await.applied == head).await;
    let health = health().await;
    assert_eq!(owners(&health.partitions), BTreeSet::from([id(health.owner.as_ref())]), "{health:?}");
    assert_eq!((health.owner.is_some(), health.age), (true, Duration::ZERO));
    second.shutdown().await;
    drop(first);
}

#[tokio::test]
async fn the_owner_of_what_is_not_divided_is_named_by_all() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let dying = views.beside();
    let first = app::<One>(&log, &dying).await;
    let monitor = watching::<One>(&views);
    let owner = async |app: &App| id(health::<One>(app).await.owner.as_ref());
    eventually("it runs", async || owner(&first).await.is_some()).await;
    let second = app::<One>(&log, &views).await;
    let of_first = owner(&first).await;
    eventually("others see that", async || {
        owner(&second).await == of_first && id(seen(&monitor).owner.as_ref()) == of_first
    })
    .await;
    assert_eq!(health::<One>(&second).await.partitions, []);
    assert_eq!(seen(&monitor).partitions, []);
    stand_still(&dying);
    eventually("the other one runs it", async || {
        let of_second = owner(&second).await;
        of_second.is_some() && of_second != of_first && id(seen(&monitor).owner.as_ref()) == of_second
    })
    .await;
    let of_second = owner(&second).await;
    go_on(&dying);
    eventually("the one before sees that", async || owner(&first).await == of_second).await;
    first.shutdown().await;
    second.shutdown().await;
    assert_eq!(owner(&second).await, None);
    eventually("nobody runs it", async || seen(&monitor).owner.is_none()).await;
}

#[tokio::test]
async fn one_that_has_halted_shows_who_goes_on() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let halts = app_with::<One>(&log, &views, options().max_parked(0)).await;
    open(&log, 0..1).await;
    curse(&log, "a0").await;
    eventually("it halts", async || {
        matches!(health::<One>(&halts).await.state, ProjectionState::Halted { .. })
    })
    .await;
    assert_eq!(health::<One>(&halts).await.owner, None);
    let goes_on = app::<One>(&log, &views.beside()).await;
    open(&log, 1..9).await;
    let head = log.head().await.unwrap();
    eventually("another one goes on", async || {
        let (halted, other) = (health::<One>(&halts).await, health::<One>(&goes_on).await);
        halted.owner.is_some() && halted.owner == other.owner && halted.applied == head && halted.parked == 1
    })
    .await;
    assert!(matches!(health::<One>(&halts).await.state, ProjectionState::Halted { .. }));
    halts.shutdown().await;
    goes_on.shutdown().await;
}

#[tokio::test]
async fn what_is_parked_is_counted_over_all_partitions_wherever_they_run() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    let monitor = watching::<Eight>(&views);
    shared::<Eight>(&[&first, &second], 8).await;
    open(&log, 0..40).await;
    for nth in 0..20 {
        curse(&log, &format!("a{nth}")).await;
    }
    let counts = |partitions: &[PartitionHealth]| {
        let of = |it: &PartitionHealth| (it.partition, it.parked);
        partitions.iter().map(of).collect::<Vec<_>>()
    };
    let mut expected: Vec<(Partition, u64)> = Partition::all(8).map(|partition| (partition, 0)).collect();
    for nth in 0..20 {
        let partition = Partition::of_key(&format!("a{nth}")).among(8);
        expected[usize::from(partition.index())].1 += 1;
    }
    // Each runs some of them, and none all.
    let runs_some = |health: &ProjectionHealth| {
        let here: u64 = health.partitions.iter().filter(|it| it.is_here).map(|it| it.parked).sum();
        here > 0 && here < 20 && !health.is_well()
    };
    eventually("everybody counts all", async || {
        let (of_first, of_second) = (health::<Eight>(&first).await, health::<Eight>(&second).await);
        let of_reader = seen(&monitor);
        (of_first.parked, of_second.parked, of_reader.parked) == (20, 20, 20)
            && counts(&of_first.partitions) == expected
            && counts(&of_second.partitions) == expected
            && counts(&of_reader.partitions) == expected
            && runs_some(&of_first)
            && runs_some(&of_second)
    })
    .await;
    for app in [first, second] {
        app.shutdown().await;
    }
}

#[tokio::test]
async fn the_last_error_stays_when_all_is_well_again() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<One>(&log, &views).await;
    let monitor = watching::<One>(&views);
    let is_well = async || health::<One>(&app).await.is_well() && seen(&monitor).is_well();
    eventually("it is well", is_well).await;
    assert_eq!((health::<One>(&app).await.last_error, seen(&monitor).last_error), (None, None));
    let before = Timestamp::now();
    views.faults.away.store(true, SeqCst);
    eventually("both notice", async || {
        matches!(health::<One>(&app).await.state, ProjectionState::Retrying { .. })
            && matches!(seen(&monitor).state, CheckpointState::Unreachable { .. })
    })
    .await;
    views.faults.away.store(false, SeqCst);
    eventually("it is well again", is_well).await;
    let after = Timestamp::now();
    for last in [health::<One>(&app).await.last_error, seen(&monitor).last_error] {
        let last = last.unwrap();
        assert!(last.error.contains("the test took it away"), "{last:?}");
        assert!((before..=after).contains(&last.at), "{last:?}");
    }
    open(&log, 0..1).await;
    curse(&log, "a0").await;
    eventually("an event is parked", async || health::<One>(&app).await.parked == 1).await;
    let last = health::<One>(&app).await.last_error.unwrap();
    assert!(last.error.contains("`cursed`") && last.error.contains("the handler is broken"), "{last:?}");
    assert!(last.at >= after, "{last:?}");
    app.shutdown().await;
}

/// The crossings that a hook was told of.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<&'static str>>>);

impl Told {
    fn crossings(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl LagHook for Told {
    fn breached(&self, _: &ProjectionId, _: Lag, _: Duration) {
        self.0.lock().unwrap().push("breached");
    }

    fn recovered(&self, _: &ProjectionId, _: Lag) {
        self.0.lock().unwrap().push("recovered");
    }
}

async fn told<P: Projection>(
    log: &FaultyLog,
    views: &FaultyViews,
    options: RuntimeOptions,
    told: &Told,
) -> App {
    let app = App::builder(log.clone()).runtime(options).lag_hook(told.clone());
    app.projection::<P>(views.clone()).build().await.unwrap()
}

#[tokio::test]
async fn lag_of_a_partition_is_told_by_whoever_runs_it_alone_and_shown_by_all() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (slow, of_first, of_second) = (views.beside(), Told::default(), Told::default());
    let first = told::<Eight>(&log, &slow, options().lease(LONG_LEASE), &of_first).await;
    let second = told::<Eight>(&log, &views, options().lease(LONG_LEASE), &of_second).await;
    shared::<Eight>(&[&first, &second], 8).await;
    slow.shut();
    open(&log, 0..40).await;
    let head = log.head().await.unwrap();
    let is_late = |health: &ProjectionHealth| {
        !health.is_well() && health.lag.time > health.max_lag.unwrap() && health.applied < head
    };
    // Those that it runs itself are not.
    let is_of_the_other = |health: &ProjectionHealth| {
        let is_even = |it: &PartitionHealth| (it.applied == head, it.lag == Lag::default());
        health.partitions.iter().all(|it| is_even(it) == (it.is_here, it.is_here))
    };
    eventually("both show that", async || {
        let (of_first, of_second) = (health::<Eight>(&first).await, health::<Eight>(&second).await);
        is_late(&of_first) && is_late(&of_second) && is_of_the_other(&of_second)
    })
    .await;
    eventually("the one that is late tells", async || of_first.crossings() == ["breached"]).await;
    slow.open();
    eventually("it is in time again", async || of_first.crossings() == ["breached", "recovered"]).await;
    eventually("both show that", async || {
        health::<Eight>(&first).await.is_well() && health::<Eight>(&second).await.is_well()
    })
    .await;
    assert_eq!(of_second.crossings(), [""; 0]);
    for app in [first, second] {
        app.shutdown().await;
    }
}

#[tokio::test]
async fn lag_of_what_another_one_has_taken_over_is_not_told_any_more() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (slow, other, of_first, of_second) =
        (views.beside(), views.beside(), Told::default(), Told::default());
    let first = told::<One>(&log, &slow, options().lease(LONG_LEASE), &of_first).await;
    eventually("it runs", async || health::<One>(&first).await.owner.is_some()).await;
    let second = told::<One>(&log, &other, options().lease(LONG_LEASE), &of_second).await;
    eventually("it stands by", async || health::<One>(&second).await.owner.is_some()).await;
    slow.shut();
    open(&log, 0..1).await;
    eventually("the one that runs it tells", async || of_first.crossings() == ["breached"]).await;
    eventually("the other one shows it", async || !health::<One>(&second).await.is_well()).await;
    assert_eq!(of_second.crossings(), [""; 0]);
    // The other one takes over, but is as slow.
    other.shut();
    stand_still(&slow);
    eventually("the next one tells", async || of_second.crossings() == ["breached"]).await;
    slow.faults.stands_still.send_replace(false);
    slow.open();
    eventually("it was the one before's", async || of_first.crossings() == ["breached", "recovered"]).await;
    other.open();
    eventually("all is well", async || of_second.crossings() == ["breached", "recovered"]).await;
    assert_eq!(of_first.crossings(), ["breached", "recovered"]);
    for app in [first, second] {
        app.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn how_far_others_are_is_read_once_in_a_lease() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let other = views.beside();
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &other).await;
    shared::<Eight>(&[&first, &second], 8).await;
    open(&log, 0..40).await;
    let head = log.head().await.unwrap();
    eventually("it is seen", async || health::<Eight>(&first).await.applied == head).await;
    let reads = || [&views, &other].map(|views| views.faults.builds.load(SeqCst));
    let (before, leases) = (reads(), 20);
    tokio::time::sleep(LEASE * leases).await;
    for (before, after) in before.into_iter().zip(reads()) {
        // Builds that nobody asks any more are looked for now and then, too.
        let reads = after - before;
        assert!((15..=22).contains(&reads), "{reads} in {leases} leases");
    }
    let health = health::<Eight>(&first).await;
    assert!(health.age <= LEASE + HEARTBEAT, "{health:?}");
    for app in [first, second] {
        app.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_asks_for_leases_once_in_a_heartbeat_and_does_without() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<Eight>(&log, &views).await;
    eventually("it runs all", async || runs::<Eight>(&app).await.len() == 8).await;
    let reader = views.beside();
    let monitor = watching::<Eight>(&reader);
    eventually("it sees all", async || seen(&monitor).partitions.len() == 8).await;
    let reads = || (reader.faults.entries.load(SeqCst), reader.faults.builds.load(SeqCst));
    let before = reads();
    let heartbeats = 50;
    tokio::time::sleep(HEARTBEAT * heartbeats).await;
    let after = reads();
    for reads in [after.0 - before.0, after.1 - before.1] {
        assert!((40..=51).contains(&reads), "{reads} in {heartbeats} heartbeats");
    }
    // Whoever may not read leases knows all the same how fresh the views are.
    reader.faults.away.store(true, SeqCst);
    eventually("owners are not known", async || seen(&monitor).owner.is_none()).await;
    let seen = seen(&monitor);
    assert!(seen.is_well() && owners(&seen.partitions) == BTreeSet::from([None]), "{seen:?}");
    app.shutdown().await;
}

#[tokio::test]
async fn a_build_beside_the_one_that_answers_does_not_move_what_health_says_of_that() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, 0..40).await;
    let head = log.head().await.unwrap();
    let slowly = options().batch(1).rebuild_events_per_second(NonZeroU32::new(40).unwrap());
    let app = app_with::<One>(&log, &views, slowly).await;
    eventually("it is built", async || {
        let health = health::<One>(&app).await;
        health.applied == head && health.is_well()
    })
    .await;
    let operator = Operator::new(views.inner.clone(), "ada");
    operator.rebuild(&ProjectionId::of::<One>(), Position::ZERO).await.unwrap();
    let mut shown = BTreeSet::new();
    eventually("it is built anew", async || {
        let ProjectionHealth { applied, lag, rebuild, .. } = health::<One>(&app).await;
        assert_eq!((applied, lag.events), (head, 0));
        shown.extend(rebuild.as_ref().map(|rebuild| rebuild.applied));
        rebuild.is_none() && !shown.is_empty()
    })
    .await;
    assert!(shown.len() > 5, "{shown:?}");
    app.shutdown().await;
}
