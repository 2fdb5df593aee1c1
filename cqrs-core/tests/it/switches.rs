//! A build that takes the place of the one that answers, where something is in the way.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    app::App,
    domain::Projection as _,
    envelope::Position,
    event_handler, handlers,
    operations::Operator,
    query::Views,
    runtime::ProjectionState,
    store::{EventStore as _, ProjectionId, Standing, ViewStore as _},
};

use crate::{
    divided::{Two, app, caught_up, checkpoint, deposit, open, options, stand_still},
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{assert_equals_a_fold_from_scratch, eventually, health, runs},
};

/// Tries an event that fails for ever.
#[derive(cqrs_core::Projection, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[projection(name = "stubborn", events(AccountEvent), partitions = 2, on_error = "retry")]
struct Stubborn {
    deposits: u64,
}

#[handlers(ignore(Labelled, Noted, HandedOver, AccountClosed, Cursed))]
impl Stubborn {
    #[event_handler]
    fn on_opened(_: &AccountOpened) -> Self {
        Self { deposits: 0 }
    }

    #[event_handler]
    fn on_deposited(&mut self, _: &Deposited) {
        self.deposits += 1;
    }
}

fn operator(views: &FaultyViews) -> Operator {
    Operator::new(views.inner.clone(), "ada").within(Duration::from_mins(1))
}

/// A rebuild from the head on has caught up, while the build that answers stands still. Then an event comes that the rebuild can't
/// fold, as it concerns a document from before; and the build that answers goes on.
async fn a_rebuild_that_fails_after_it_had_caught_up(log: &FaultyLog, views: &FaultyViews) -> App {
    let app = App::builder(log.clone()).runtime(options()).projection::<Stubborn>(views.clone());
    let app = app.build().await.unwrap();
    open(log, 0..3).await;
    caught_up::<Stubborn>(log, views).await;
    let id = ProjectionId::of::<Stubborn>();
    operator(views).pause(&id).await.unwrap();
    eventually("it stands still", async || {
        health::<Stubborn>(&app).await.state == ProjectionState::Paused { by: "ada".to_owned() }
    })
    .await;
    operator(views).rebuild(&id, log.head().await.unwrap()).await.unwrap();
    eventually("it is built anew", async || health::<Stubborn>(&app).await.rebuild.is_some()).await;
    // On the paused clock, this is until nothing else is to be done.
    tokio::time::sleep(Duration::from_millis(100)).await;
    deposit(log, "a0", 1).await;
    eventually("the rebuild fails", async || health::<Stubborn>(&app).await.last_error.is_some()).await;
    operator(views).resume(&id).await.unwrap();
    app
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_that_fails_after_it_had_caught_up_does_not_hold_up_the_build_that_answers() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = a_rebuild_that_fails_after_it_had_caught_up(&log, &views).await;
    open(&log, 3..4).await;
    caught_up::<Stubborn>(&log, &views).await;
    operator(&views).abandon_rebuild(&ProjectionId::of::<Stubborn>()).await.unwrap();
    eventually("it is well", async || health::<Stubborn>(&app).await.is_well()).await;
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Stubborn>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn an_application_stops_also_while_it_waits_for_a_build_to_switch_to() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, 0..20).await;
    let app = app::<Two>(&log, &views).await;
    caught_up::<Two>(&log, &views).await;
    // It has caught up, and is then asked for one event more, which it can't write.
    let id = ProjectionId::of::<Two>();
    operator(&views).pause(&id).await.unwrap();
    operator(&views).rebuild(&id, Position::ZERO).await.unwrap();
    let head = log.head().await.unwrap();
    eventually("it has caught up", async || {
        health::<Two>(&app).await.rebuild.is_some_and(|rebuild| rebuild.applied == head)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    views.hold_up(|call| call.starts_with("commits spread v1, build 1"));
    deposit(&log, "a0", 1).await;
    eventually("it is held up", async || views.faults.waiting.load(SeqCst) > 0).await;
    operator(&views).resume(&id).await.unwrap();
    // The build that answers has stopped for the other one by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let stopped = tokio::time::timeout(Duration::from_mins(10), app.shutdown()).await;
    assert!(stopped.is_ok(), "it does not stop");
    views.go_on();
}

/// One is held up as it switches to a build, past its lease. The next one leads by now, and has not begun to go on with that
/// build.
#[tokio::test]
async fn a_switch_that_is_written_late_is_fenced_off() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (late, next) = (FaultyViews::over(views.inner.clone()), FaultyViews::over(views.inner.clone()));
    open(&log, 0..20).await;
    let first = app::<Two>(&log, &late).await;
    caught_up::<Two>(&log, &views).await;
    let id = ProjectionId::of::<Two>();
    late.hold_up(|call| call == "commits spread v1, build 1: live, 2");
    operator(&views).rebuild(&id, Position::ZERO).await.unwrap();
    eventually("it is held up", async || late.faults.waiting.load(SeqCst) > 0).await;
    late.faults.stands_still.send_replace(true);
    next.hold_up(|call| call.starts_with("prepares spread v1, build 1"));
    let second = app::<Two>(&log, &next).await;
    eventually("the second one runs all", async || runs::<Two>(&second).await.len() == 2).await;
    deposit(&log, "a1", 1).await;
    caught_up::<Two>(&log, &views).await;

    let commits = late.faults.commits.load(SeqCst);
    late.go_on();
    eventually("the late one has tried", async || {
        late.faults.commits.load(SeqCst) > commits || checkpoint::<Two>(&views).await == Position::ZERO
    })
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let written = views.inner.checkpoint(&id.generation(1)).await.unwrap().unwrap();
    assert_eq!(written.standing, Standing::Building, "one that was held up past its lease has written");
    let answer = Views::new(views.inner.clone()).view::<Two>(&account("a1")).await.unwrap();
    assert_eq!(answer.value.unwrap().amounts, [1]);

    stand_still(&late);
    next.go_on();
    eventually("the build that was begun takes over", async || {
        let checkpoint = views.inner.checkpoint(&id.generation(1)).await.unwrap().unwrap();
        checkpoint.standing == Standing::Live && checkpoint.partitions == Two::PARTITIONS
    })
    .await;
    crate::divided::go_on(&late);
    caught_up::<Two>(&log, &views).await;
    first.shutdown().await;
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<Two>(&log, &views).await;
}
