//! Projections that are built anew beside the ones that answer.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use cqrs_core::{
    app::App,
    envelope::{Position, Token},
    event_handler, handlers,
    operations::{OperateError, Operator},
    query::{QueryError, Views},
    runtime::{ProjectionState, RuntimeOptions},
    store::{Build, EventStore as _, ProjectionId, Standing, ViewStore as _},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, eventually, health},
};

/// What a handler adds to each deposit: a fold that has changed shows.
static SURCHARGE: AtomicU64 = AtomicU64::new(0);

macro_rules! version {
    ($type:ident, $version:literal, { $($field:ident : $ty:ty),* }) => {
        #[derive(cqrs_core::Projection, Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[projection(name = "sums", version = $version, events(AccountEvent), default)]
        struct $type {
            sum: u64,
            $(#[projection(index)] $field: $ty,)*
        }

        #[handlers(ignore(AccountOpened, Labelled, Noted, Cursed, HandedOver, AccountClosed))]
        impl $type {
            #[event_handler]
            fn on_deposited(&mut self, event: &Deposited) {
                self.sum += event.amount.unsigned_abs() / 100 + SURCHARGE.load(SeqCst);
            }
        }
    };
}

version!(First, 1, {});
version!(Second, 2, { label: String });

fn options() -> RuntimeOptions {
    RuntimeOptions::default().heartbeat(Duration::from_millis(20)).batch(10)
}

async fn app(log: &FaultyLog, views: &FaultyViews) -> App {
    App::builder(log.clone()).runtime(options()).projection::<First>(views.clone()).build().await.unwrap()
}

async fn deposits(log: &FaultyLog, id: &str, count: usize) {
    for _ in 0..count {
        append(log, &account_stream(id), &[("deposited", r#"{"units":1}"#)]).await;
    }
}

fn first() -> ProjectionId {
    ProjectionId::of::<First>()
}

async fn builds(views: &FaultyViews) -> Vec<(String, Option<Standing>)> {
    let builds = views.builds("sums").await.unwrap();
    let plain = |Build { id, checkpoint, .. }| (id.to_string(), checkpoint.map(|it| it.standing));
    builds.into_iter().map(plain).collect()
}

async fn sum(views: &Views, id: &str) -> u64 {
    views.view::<First>(&account(id)).await.unwrap().as_ref().map_or(0, |view| view.sum)
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_takes_the_place_of_the_build_that_answers_and_no_answer_goes_back() {
    SURCHARGE.store(0, SeqCst);
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views).await;
    deposits(&log, "a", 55).await;
    // Another process, and one that begins to ask later.
    let readers = Views::new(views.inner.clone());
    let at = Token::new(log.log_id(), log.head().await.unwrap());
    let sum_of = |token| readers.view::<First>(&account("a")).at_least(&token).within(Duration::from_mins(1));
    assert_eq!(sum_of(at).await.unwrap().as_ref().unwrap().sum, 55);

    SURCHARGE.store(1_000, SeqCst);
    let operator = Operator::new(views.inner.clone(), "ada");
    views.faults.commit_millis.store(30, SeqCst);
    operator.rebuild(&first(), Position::ZERO).await.unwrap();
    let again = operator.rebuild(&first(), Position::ZERO).await;
    assert!(matches!(again, Err(OperateError::Refused { reason, .. }) if reason.contains("already")));
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (readers, stop) = (readers.clone(), Arc::clone(&stop));
        async move {
            let (mut last, mut answers) = (Position::ZERO, Vec::new());
            while !stop.load(SeqCst) {
                let answer = readers.view::<First>(&account("a")).await.unwrap();
                assert!(answer.provenance.applied >= last, "an answer went back");
                last = answer.provenance.applied;
                answers.push(answer.as_ref().unwrap().sum);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            answers
        }
    });
    deposits(&log, "a", 5).await;
    let switched = async || {
        builds(&views).await
            == [
                ("sums v1".to_owned(), Some(Standing::Superseded { by: 1 })),
                ("sums v1, build 1".to_owned(), Some(Standing::Live)),
            ]
    };
    eventually("queries switch", switched).await;
    deposits(&log, "a", 1).await;
    let token = Token::new(log.log_id(), log.head().await.unwrap());
    assert_eq!(sum_of(token).await.unwrap().as_ref().unwrap().sum, 61 + 61_000, "a token stays valid");
    let late = Views::new(views.inner.clone());
    assert_eq!(late.build::<First>().await.unwrap(), first().generation(1));
    assert_eq!(sum(&late, "a").await, 61 + 61_000);
    assert_eq!(app.view::<First>(&account("a")).await.unwrap().as_ref().unwrap().sum, 61 + 61_000);
    stop.store(true, SeqCst);
    let answers = asking.await.unwrap();
    assert!(answers.contains(&55) && answers.iter().any(|sum| *sum > 55_000), "{answers:?}");
    let old = answers.iter().take_while(|sum| **sum < 1_000_000 && **sum % 1_000 >= 55).count();
    assert!(old > 3, "the old one answers while the new one is built: {answers:?}");
    let health = health::<First>(&app).await;
    assert!(health.is_well() && health.rebuild.is_none(), "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_shows_how_it_gets_on_and_is_held_back_and_can_be_given_up() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slowly = options().rebuild_events_per_second(NonZeroU32::new(10).unwrap());
    let app =
        App::builder(log.clone()).runtime(slowly).projection::<First>(views.clone()).build().await.unwrap();
    deposits(&log, "a", 100).await;
    let operator = app.operator::<First>("ada").unwrap();
    let nothing = operator.abandon_rebuild(&first()).await;
    assert!(matches!(nothing, Err(OperateError::Refused { .. })));
    operator.rebuild(&first(), Position::ZERO).await.unwrap();
    let half = async || health::<First>(&app).await.rebuild.is_some_and(|it| it.applied.get() >= 50);
    let started = tokio::time::Instant::now();
    eventually("half of it is there", half).await;
    assert!(started.elapsed() >= Duration::from_secs(3), "{:?}", started.elapsed());
    let health_of = health::<First>(&app).await;
    assert_eq!(health_of.state, ProjectionState::Live);
    let progress = health_of.rebuild.unwrap();
    assert_eq!((progress.build.to_string(), progress.head.get()), ("sums v1, build 1".to_owned(), 100));
    assert!((8.0..=13.0).contains(&progress.events_per_second), "{progress:?}");
    let remaining = progress.remaining.unwrap();
    assert!(remaining > Duration::from_secs(2) && remaining < Duration::from_secs(8), "{progress:?}");
    operator.abandon_rebuild(&first()).await.unwrap();
    eventually("it is gone", async || builds(&views).await.len() == 1).await;
    eventually("nothing of it shows", async || health::<First>(&app).await.rebuild.is_none()).await;
    deposits(&log, "a", 1).await;
    assert_eq!(app.view::<First>(&account("a")).latest().await.unwrap().as_ref().unwrap().applied.get(), 101);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_goes_on_where_it_was_after_a_restart() {
    SURCHARGE.store(0, SeqCst);
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    deposits(&log, "a", 100).await;
    let before = app(&log, &views).await;
    let operator = Operator::new(views.inner.clone(), "ada");
    views.faults.commit_millis.store(100, SeqCst);
    operator.rebuild(&first(), Position::ZERO).await.unwrap();
    let build = first().generation(1);
    let part = async || {
        let checkpoint = views.inner.checkpoint(&build).await.unwrap();
        checkpoint.is_some_and(|checkpoint| checkpoint.position.get() >= 30)
    };
    eventually("a part is built", part).await;
    before.shutdown().await;
    let at = views.inner.checkpoint(&build).await.unwrap().unwrap();
    assert!(at.standing == Standing::Building && at.position.get() < 100, "{at:?}");
    log.faults.reads.lock().unwrap().clear();
    let after = app(&log, &views).await;
    let live = async || builds(&views).await[1].1 == Some(Standing::Live);
    eventually("it has caught up", live).await;
    let reads = log.faults.reads.lock().unwrap().clone();
    assert!(reads.iter().all(|after| *after >= at.position), "it goes on at {}: {reads:?}", at.position);
    assert_eq!(sum(&Views::new(views.inner.clone()), "a").await, 100);
    after.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_cut_short_is_completed_by_the_next_owner() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    deposits(&log, "a", 3).await;
    let before = app(&log, &views).await;
    let operator = Operator::new(views.inner.clone(), "ada");
    operator.rebuild(&first(), Position::ZERO).await.unwrap();
    eventually("it is made", async || builds(&views).await.len() == 2).await;
    let live = async || builds(&views).await[1].1 == Some(Standing::Live);
    eventually("it has caught up", live).await;
    before.shutdown().await;
    // As if the program had died before it wrote that the old build is superseded.
    let mut old = views.inner.checkpoint(&first()).await.unwrap().unwrap();
    old.standing = Standing::Live;
    views.inner.commit(&first(), cqrs_core::store::Commit::of(old.position, old)).await.unwrap();
    let after = app(&log, &views).await;
    let superseded = async || builds(&views).await[0].1 == Some(Standing::Superseded { by: 1 });
    eventually("it is completed", superseded).await;
    deposits(&log, "a", 1).await;
    let answer = after.view::<First>(&account("a")).latest().await.unwrap();
    assert_eq!(answer.as_ref().unwrap().applied.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_is_built_while_the_old_one_answers() {
    SURCHARGE.store(0, SeqCst);
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let old = app(&log, &views).await;
    deposits(&log, "a", 50).await;
    let readers = Views::new(views.inner.clone());
    assert_eq!(
        readers
            .view::<First>(&account("a"))
            .at_least(&Token::new(log.log_id(), Position::new(50)))
            .await
            .unwrap()
            .as_ref()
            .unwrap()
            .sum,
        50
    );
    // A query process of the new version, ahead of the projector: the old documents are no `Second`.
    let refused = readers.view::<Second>(&account("a")).await;
    assert!(matches!(refused, Err(QueryError::Building { .. })), "{refused:?}");
    let refused = readers.views::<Second>().filter(Second::label().eq("")).await;
    assert!(matches!(refused, Err(ref error) if error.is_retryable()), "{refused:?}");

    views.faults.commit_millis.store(50, SeqCst);
    let slow = FaultyViews::over(views.inner.clone());
    slow.faults.commit_millis.store(50, SeqCst);
    let new = App::builder(log.clone())
        .runtime(options())
        .projection::<Second>(slow.clone())
        .build()
        .await
        .unwrap();
    eventually("it is begun", async || builds(&views).await.len() == 2).await;
    assert_eq!(builds(&views).await[1].1.unwrap_or(Standing::Building), Standing::Building);
    let at_first = new.view::<Second>(&account("a")).await;
    assert!(matches!(at_first, Err(QueryError::Building { .. })), "{at_first:?}");
    deposits(&log, "a", 1).await;
    let live = async || builds(&views).await[1].1 == Some(Standing::Live);
    eventually("it has caught up", live).await;
    assert_eq!(new.view::<Second>(&account("a")).latest().await.unwrap().as_ref().unwrap().sum, 51);
    // Both are kept up to date while both run.
    deposits(&log, "a", 1).await;
    assert_eq!(old.view::<First>(&account("a")).latest().await.unwrap().as_ref().unwrap().sum, 52);
    assert_eq!(new.view::<Second>(&account("a")).latest().await.unwrap().as_ref().unwrap().sum, 52);
    assert_eq!(builds(&views).await[0].1, Some(Standing::Live), "the old one answers those that ask for it");
}

#[tokio::test(start_paused = true)]
async fn builds_that_nobody_asks_go_after_the_time_of_grace_and_not_while_somebody_runs_them() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let grace = options().grace(Duration::from_mins(1));
    let old = app(&log, &views).await;
    deposits(&log, "a", 3).await;
    let new =
        App::builder(log.clone()).runtime(grace).projection::<Second>(views.clone()).build().await.unwrap();
    let live = async || builds(&views).await.get(1).is_some_and(|build| build.1 == Some(Standing::Live));
    eventually("it has caught up", live).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(builds(&views).await.len(), 2, "the old version runs");
    old.shutdown().await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(builds(&views).await, [("sums v2".to_owned(), Some(Standing::Live))]);

    let operator = new.operator::<Second>("ada").unwrap();
    operator.rebuild(&ProjectionId::of::<Second>(), Position::ZERO).await.unwrap();
    let switched = async || {
        let builds = builds(&views).await;
        builds.len() == 2 && builds[1].1 == Some(Standing::Live)
    };
    eventually("queries switch", switched).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(builds(&views).await.len(), 2, "the time of grace is not over");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(builds(&views).await, [("sums v2, build 1".to_owned(), Some(Standing::Live))]);
    assert_eq!(new.view::<Second>(&account("a")).latest().await.unwrap().as_ref().unwrap().applied.get(), 3);
    // A process that has slept all the while.
    let restarted =
        App::builder(log.clone()).runtime(grace).projection::<Second>(views.clone()).build().await.unwrap();
    assert_eq!(builds(&views).await.len(), 1, "a start makes no room for a build that is gone");
    restarted.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn documents_of_other_handlers_are_reported() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    deposits(&log, "a", 1).await;
    let before = app(&log, &views).await;
    eventually("it runs", async || health::<First>(&before).await.state == ProjectionState::Live).await;
    assert!(!health::<First>(&before).await.outdated);
    before.shutdown().await;
    // Another program wrote down by what it had built them.
    let coordination = views.inner.coordination();
    let known = coordination.entries("definitions").await.unwrap().remove(0);
    let other = cqrs_core::envelope::Json::of("0123456789abcdef").unwrap();
    coordination.put_entry("definitions", &known.key, known.revision, other).await.unwrap();
    let after = app(&log, &views).await;
    eventually("it is reported", async || health::<First>(&after).await.outdated).await;
    after.operator::<First>("ada").unwrap().rebuild(&first(), Position::ZERO).await.unwrap();
    eventually("it is mended", async || !health::<First>(&after).await.outdated).await;
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_may_begin_later_than_the_log() {
    SURCHARGE.store(0, SeqCst);
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    deposits(&log, "a", 10).await;
    let app = app(&log, &views).await;
    app.view::<First>(&account("a")).latest().await.unwrap();
    let operator = app.operator::<First>("ada").unwrap();
    let beyond = operator.rebuild(&first(), Position::new(11)).await;
    assert!(matches!(beyond, Err(OperateError::Refused { reason, .. }) if reason.contains("11")));
    operator.rebuild(&first(), Position::new(7)).await.unwrap();
    eventually("queries switch", async || sum(&Views::new(views.inner.clone()), "a").await == 3).await;
}
