//! Lag that is checked by programs that only read.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::App,
    envelope::{LogId, Position},
    query::Views,
    runtime::{CheckpointHealth, CheckpointState, Lag, LagHook, LagMonitor},
    store::{Checkpoint, Commit, ProjectionId, ProjectionSpec, ViewStore},
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, caught_up, eventually},
};

/// Long beside what a test takes on a busy machine, as checkpoints carry the time of day; the wait for it takes no time.
const MAX_LAG: Duration = Duration::from_mins(1);
/// How often a projection of that promise shows a sign of life.
const HEARTBEAT: Duration = Duration::from_millis(250);

#[derive(Clone, Default)]
struct Told {
    observed: Arc<Mutex<Vec<Lag>>>,
    crossed: Arc<Mutex<Vec<Crossing>>>,
}

/// What was told, with what lag, and when.
type Crossing = (&'static str, Lag, Instant);

impl Told {
    fn observed(&self) -> Vec<Lag> {
        self.observed.lock().unwrap().clone()
    }

    fn crossings(&self) -> Vec<&'static str> {
        self.crossed.lock().unwrap().iter().map(|(what, ..)| *what).collect()
    }

    fn last(&self) -> (Lag, Instant) {
        let (_, lag, when) = *self.crossed.lock().unwrap().last().unwrap();
        (lag, when)
    }
}

impl LagHook for Told {
    fn observed(&self, projection: &ProjectionId, lag: Lag) {
        assert_eq!(*projection, ProjectionId::of::<Prompt>());
        self.observed.lock().unwrap().push(lag);
    }

    fn breached(&self, _: &ProjectionId, lag: Lag, max_lag: Duration) {
        assert_eq!(max_lag, MAX_LAG);
        self.crossed.lock().unwrap().push(("breached", lag, Instant::now()));
    }

    fn recovered(&self, _: &ProjectionId, lag: Lag) {
        self.crossed.lock().unwrap().push(("recovered", lag, Instant::now()));
    }
}

struct Panics;

impl LagHook for Panics {
    fn observed(&self, _: &ProjectionId, _: Lag) {
        panic!("a hook's own fault");
    }
}

async fn owner(log: &FaultyLog, views: &FaultyViews) -> App {
    App::builder(log.clone()).projection::<Prompt>(views.clone()).build().await.unwrap()
}

fn watching(views: &FaultyViews, hook: impl LagHook) -> LagMonitor {
    let monitor = Views::new(views.clone()).lag_monitor();
    monitor.projection_of(ProjectionId::of::<Prompt>(), Some(MAX_LAG)).lag_hook(hook).start()
}

fn health(monitor: &LagMonitor) -> CheckpointHealth {
    monitor.health().into_iter().next().unwrap()
}

async fn state(monitor: &LagMonitor, what: &str, is: impl Fn(&CheckpointState) -> bool) -> CheckpointHealth {
    eventually(what, async || is(&health(monitor).state)).await;
    health(monitor)
}

/// A checkpoint as another process would write it.
async fn write_checkpoint(views: &FaultyViews, position: u64, head: u64, as_of: Timestamp, diverged: bool) {
    let projection = ProjectionId::of::<Prompt>();
    views.inner.prepare(&ProjectionSpec::of::<Prompt>()).await.unwrap();
    let before = views.inner.checkpoint(&projection).await.unwrap();
    let checkpoint = Checkpoint {
        log: before.map_or_else(LogId::generate, |before| before.log),
        position: Position::new(position),
        last: None,
        diverged,
        head: Position::new(head),
        as_of,
        parked: 0,
        fence: 0,
        standing: cqrs_core::store::Standing::Live,
        partitions: 1,
    };
    let expected = before.map_or(Position::ZERO, |before| before.position);
    let commit = Commit::of(expected, checkpoint);
    views.inner.commit(&projection, commit).await.unwrap();
}

fn ago(time: Duration) -> Timestamp {
    Timestamp::now().checked_sub(SignedDuration::try_from(time).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_dies_is_a_breach_within_its_bound_and_recovers_by_itself() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    let monitor = watching(&views, told.clone());
    for round in 1..=3 {
        let owner = owner(&log, &views).await;
        caught_up::<Prompt>(&log, &views).await;
        eventually("it keeps its promise", async || {
            let health = health(&monitor);
            health.is_well() && health.lag == Lag::default() && told.crossings().len() == 2 * (round - 1)
        })
        .await;
        assert_eq!(health(&monitor).applied, Position::new(1));
        owner.shutdown().await;
        drop(owner);
        let died = Instant::now();
        eventually("it is a breach", async || told.crossings().len() == 2 * round - 1).await;
        let (lag, when) = told.last();
        assert!(lag.time > MAX_LAG, "{lag:?}");
        // It is seen at the next look.
        let after = when - died;
        assert!(after + 2 * HEARTBEAT > MAX_LAG && after <= MAX_LAG + 2 * HEARTBEAT, "{after:?}");
        let late = health(&monitor);
        assert!(matches!(late.state, CheckpointState::Silent { since } if since > MAX_LAG), "{late:?}");
        assert!(late.breached && !late.is_well(), "{late:?}");
    }
    let _owner = owner(&log, &views).await;
    eventually("it recovers", async || health(&monitor).is_well()).await;
    eventually("and says so", async || told.crossings().len() == 6).await;
    assert_eq!(told.crossings(), ["breached", "recovered"].repeat(3));
    assert_eq!(told.last().0, Lag::default());
}

#[tokio::test(start_paused = true)]
async fn a_read_store_that_is_away_is_a_breach_once_what_is_known_is_too_old() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let _owner = owner(&log, &views).await;
    let monitor = watching(&views, told.clone());
    for (silent, round) in [(false, 1), (true, 2)] {
        eventually("it is well", async || health(&monitor).is_well()).await;
        let fault = if silent { &views.faults.is_silent } else { &views.faults.away };
        fault.store(true, SeqCst);
        let away =
            state(&monitor, "that is seen", |state| matches!(state, CheckpointState::Unreachable { .. }))
                .await;
        assert!(!away.is_well() && !away.breached, "what is known is not too old yet: {away:?}");
        eventually("it is a breach", async || told.crossings().len() == 2 * round - 1).await;
        fault.store(false, SeqCst);
        eventually("it recovers", async || told.crossings().len() == 2 * round).await;
    }
    assert_eq!(told.crossings(), ["breached", "recovered"].repeat(2));
}

#[tokio::test(start_paused = true)]
async fn a_read_store_that_never_answered_is_a_breach_within_the_bound() {
    let (views, told) = (FaultyViews::new(), Told::default());
    views.faults.is_silent.store(true, SeqCst);
    let began = Instant::now();
    let monitor = watching(&views, told.clone());
    assert_eq!(health(&monitor).state, CheckpointState::Unknown);
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    assert!(told.last().1 - began <= MAX_LAG + 2 * HEARTBEAT);
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_nobody_builds_is_a_breach_within_the_bound() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let began = Instant::now();
    let monitor = watching(&views, told.clone());
    state(&monitor, "nobody has built it", |state| *state == CheckpointState::NotBuilt).await;
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    assert!(told.last().1 - began <= MAX_LAG + 2 * HEARTBEAT);
    let _owner = owner(&log, &views).await;
    eventually("it recovers", async || told.crossings() == ["breached", "recovered"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_told_in_events_and_from_the_oldest_of_them_on() {
    let (views, told) = (FaultyViews::new(), Told::default());
    write_checkpoint(&views, 3, 5, ago(Duration::from_mins(10)), false).await;
    let monitor = watching(&views, told.clone());
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    let (lag, _) = told.last();
    assert_eq!(lag.events, 2);
    assert!((600..3_600).contains(&lag.time.as_secs()), "{lag:?}");
    let late = health(&monitor);
    assert_eq!((late.applied, late.head), (Position::new(3), Position::new(5)));

    write_checkpoint(&views, 5, 5, Timestamp::now(), false).await;
    eventually("it has caught up", async || told.crossings() == ["breached", "recovered"]).await;
    assert_eq!(told.last().0, Lag::default());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_hides_no_death_and_is_told() {
    let (views, told) = (FaultyViews::new(), Told::default());
    write_checkpoint(&views, 5, 5, ago(Duration::ZERO) + Duration::from_hours(1), false).await;
    let began = Instant::now();
    let monitor = watching(&views, told.clone());
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    assert!(told.last().1 - began <= MAX_LAG + 2 * HEARTBEAT);
    assert!(health(&monitor).clock_ahead > Duration::from_mins(50), "{:?}", health(&monitor));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_is_not_well() {
    let (views, told) = (FaultyViews::new(), Told::default());
    write_checkpoint(&views, 5, 5, Timestamp::now(), true).await;
    let monitor = watching(&views, told.clone());
    let diverged = state(&monitor, "it is seen", |state| *state == CheckpointState::Diverged).await;
    assert!(!diverged.is_well());
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_is_stopped_or_dropped_calls_no_hook_any_more() {
    let (views, told) = (FaultyViews::new(), Told::default());
    let monitor = watching(&views, told.clone());
    eventually("it is observed", async || told.observed().len() > 3).await;
    monitor.stop().await;
    let count = told.observed().len();
    tokio::time::sleep(2 * MAX_LAG).await;
    assert_eq!(told.observed().len(), count);

    let dropped = watching(&views, told.clone());
    eventually("it is observed again", async || told.observed().len() > count).await;
    drop(dropped);
    eventually("nobody holds the hook any more", async || Arc::strong_count(&told.observed) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_stops_no_monitor() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let monitor = Views::new(views.clone()).lag_monitor();
    let monitor = monitor.projection_of(ProjectionId::of::<Prompt>(), Some(MAX_LAG));
    let monitor = monitor.lag_hook(Panics).lag_hook(told.clone()).start();
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    let _owner = owner(&log, &views).await;
    eventually("it is well", async || health(&monitor).is_well()).await;
}

#[tokio::test(start_paused = true)]
async fn a_read_store_that_panics_is_a_breach_too() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let _owner = owner(&log, &views).await;
    let monitor = watching(&views, told.clone());
    eventually("it is well", async || health(&monitor).is_well()).await;
    views.faults.checkpoint_panics.store(true, SeqCst);
    state(&monitor, "that is seen", |state| matches!(state, CheckpointState::Unreachable { .. })).await;
    eventually("it is a breach", async || told.crossings() == ["breached"]).await;
    views.faults.checkpoint_panics.store(false, SeqCst);
    eventually("it recovers", async || told.crossings() == ["breached", "recovered"]).await;
}

#[tokio::test]
async fn an_application_watches_what_it_only_reads() {
    #[derive(Clone, Default)]
    struct Crossings(Arc<Mutex<Vec<&'static str>>>);

    impl LagHook for Crossings {
        fn breached(&self, _: &ProjectionId, _: Lag, max_lag: Duration) {
            assert_eq!(max_lag, Duration::from_millis(40));
            self.0.lock().unwrap().push("breached");
        }

        fn recovered(&self, _: &ProjectionId, _: Lag) {
            self.0.lock().unwrap().push("recovered");
        }
    }

    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Crossings::default());
    let app = App::builder(log.clone()).query_only::<Prompt>(views.clone()).lag_hook(told.clone());
    let app = app.build().await.unwrap();
    eventually("it is a breach", async || *told.0.lock().unwrap() == ["breached"]).await;
    let health = app.health().await;
    assert!(!health.is_well() && health.projections.is_empty(), "{health:?}");
    assert_eq!(health.query_only[0].projection, ProjectionId::of::<Prompt>());
    assert!(health.query_only[0].breached);

    let owner = owner(&log, &views).await;
    eventually("it recovers", async || told.0.lock().unwrap().starts_with(&["breached", "recovered"])).await;
    eventually("all is well", async || app.health().await.is_well()).await;
    owner.shutdown().await;
    eventually("a dead owner is no owner", async || !app.health().await.is_well()).await;
    app.shutdown().await;
}
