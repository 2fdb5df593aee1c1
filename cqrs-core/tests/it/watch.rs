use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::atomic::Ordering::SeqCst,
    task::Poll,
    time::Duration,
};

use cqrs_core::{
    envelope::{LogId, Position, Token},
    query::{LiveView, QueryError, Views},
    store::Error,
};
use futures_core::Stream as _;
use tokio::{runtime::Handle, time::Instant};

use crate::{
    domain::*,
    faults::{Dice, FaultyViews},
    queries::{Scene, is_waiting},
    scene::{caught_up, eventually},
};

/// The next state, which has to come, and to be well.
async fn seen(live: &mut LiveView<Balance>) -> Option<i64> {
    let next = tokio::time::timeout(Duration::from_mins(10), live.next()).await.expect("it is told");
    let answer = next.expect("it goes on").expect("all is well");
    if let Some(view) = &answer.value {
        assert!(answer.provenance.token.position() >= view.applied, "{answer:?}");
    }
    answer.into_value().map(|view| view.document.amount)
}

async fn outage(live: &mut LiveView<Balance>) -> QueryError {
    let next = tokio::time::timeout(Duration::from_mins(10), live.next()).await.expect("it is told");
    let error = next.expect("it goes on").expect_err("it is away");
    assert!(error.is_retryable(), "{error:?}");
    error
}

async fn is_silent(live: &mut LiveView<Balance>) -> bool {
    is_waiting(&mut pin!(live.next())).await
}

fn loads(views: &FaultyViews) -> usize {
    views.faults.loads.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_view_is_shown_now_and_at_each_later_change() {
    let scene = Scene::opened().await;
    for mut live in [scene.app.watch::<Balance>(&account("a")), scene.readers.watch(&account("a"))] {
        let before = seen(&mut live).await.unwrap();
        for round in 1..=20 {
            assert!(is_silent(&mut live).await);
            scene.deposit(1).await;
            assert_eq!(seen(&mut live).await, Some(before + round));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_concern_the_view_is_not_told() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    seen(&mut live).await;
    scene.open("b", "eve").await;
    scene.app.execute(Note { account: account("a") }).await.unwrap();
    caught_up::<Balance>(&scene.log, &scene.views).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(is_silent(&mut live).await);
}

#[tokio::test(start_paused = true)]
async fn a_view_that_comes_and_goes_is_told_as_none() {
    let scene = Scene::new().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    assert_eq!(seen(&mut live).await, None);
    for _ in 0..3 {
        scene.open("a", "ada").await;
        assert_eq!(seen(&mut live).await, Some(0));
        scene.app.execute(Close { account: account("a") }).await.unwrap();
        assert_eq!(seen(&mut live).await, None);
        // The next account of that name is removed before anybody looks.
        scene.views.shut();
        scene.app.execute(Open { account: account("a"), owner: owner("eve") }).await.unwrap();
        scene.app.execute(Close { account: account("a") }).await.unwrap();
        scene.views.open();
        caught_up::<Balance>(&scene.log, &scene.views).await;
        assert!(is_silent(&mut live).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_by_the_commit_and_not_by_a_clock() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    seen(&mut live).await;
    for round in 1..=50 {
        // Longer than it rests after a look, and shorter than until it looks by itself.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        scene.deposit(1).await;
        assert_eq!(seen(&mut live).await, Some(round));
        assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_another_program_makes_is_told() {
    let scene = Scene::opened().await;
    // Another handle on the same documents, without the log.
    let elsewhere = Views::new(FaultyViews::over(scene.views.inner.clone()));
    let mut live = elsewhere.watch::<Balance>(&account("a"));
    assert_eq!(seen(&mut live).await, Some(0));
    for round in 1..=20 {
        scene.deposit(1).await;
        assert_eq!(seen(&mut live).await, Some(round));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_the_newest_state_alone() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    assert_eq!(seen(&mut live).await, Some(0));
    for _ in 0..50 {
        let token = scene.deposit(1).await;
        scene.readers.view::<Balance>(&account("a")).at_least(&token).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(seen(&mut live).await, Some(50));
    assert!(is_silent(&mut live).await);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_next_that_is_given_up_loses_nothing() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    for round in 0..30 {
        // Given up each time that it has to wait, wherever it is then.
        let mut attempts = 0;
        let answer = loop {
            attempts += 1;
            let once = poll_fn(|context| Poll::Ready(pin!(live.next()).poll(context))).await;
            if let Poll::Ready(next) = once {
                break next.unwrap().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        assert!(attempts > 1, "it never had to wait");
        assert_eq!(answer.value.as_ref().unwrap().amount, round);
        scene.deposit(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_a_stream() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    let first = poll_fn(|context| Pin::new(&mut live).poll_next(context)).await;
    assert_eq!(first.unwrap().unwrap().value.unwrap().amount, 0);
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_is_as_fresh_as_asked_for_and_waited_for_again_when_it_is_late() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let mut live = scene.readers.watch::<Balance>(&account("a")).at_least(&token);
    for _ in 0..3 {
        assert!(matches!(outage(&mut live).await, QueryError::NotYetConsistent { .. }));
    }
    scene.views.open();
    let answer = live.next().await.unwrap().unwrap();
    assert_eq!(answer.value.as_ref().unwrap().amount, 5);
    assert!(answer.provenance.token.position() >= token.position() && !answer.provenance.stale);

    scene.views.shut();
    let token = scene.deposit(5).await;
    let mut live = scene.app.watch::<Balance>(&account("a")).at_least(&token).or_stale();
    let answer = live.next().await.unwrap().unwrap();
    assert!(answer.provenance.stale && answer.value.as_ref().unwrap().amount == 5);
    scene.views.open();
    assert_eq!(seen(&mut live).await, Some(10));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_mended_is_the_last_item() {
    let scene = Scene::opened().await;
    let foreign = Token::new(LogId::generate(), Position::new(1));
    let mut live = scene.readers.watch::<Balance>(&account("a")).at_least(&foreign);
    assert!(matches!(live.next().await, Some(Err(QueryError::ForeignToken { .. }))));
    assert!(live.next().await.is_none() && live.next().await.is_none());

    let mut live = scene.app.watch::<Portfolio>(&owner("ada"));
    assert!(matches!(live.next().await, Some(Err(QueryError::Unregistered { .. }))));
    assert!(live.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_the_view_when_it_is_over() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    seen(&mut live).await;
    for round in 1..=3 {
        scene.views.faults.away.store(true, SeqCst);
        let error = outage(&mut live).await;
        assert!(matches!(error, QueryError::Store(Error::Unavailable { .. })), "{error:?}");
        assert!(cqrs_core::runtime::with_causes(&error).contains("the test took it away"));
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert!(is_silent(&mut live).await);
        scene.views.faults.away.store(false, SeqCst);
        assert_eq!(seen(&mut live).await, Some(round - 1), "unchanged, but there again");
        scene.deposit(1).await;
        assert_eq!(seen(&mut live).await, Some(round));
    }

    // One that begins while it is away.
    scene.views.faults.away.store(true, SeqCst);
    let mut late = scene.readers.watch::<Balance>(&account("a"));
    outage(&mut late).await;
    outage(&mut late).await;
    scene.views.faults.away.store(false, SeqCst);
    eventually("it is there", async || matches!(late.next().await, Some(Ok(_)))).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_outlives_a_store_that_panics() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    seen(&mut live).await;
    // The projection does not read: it has just written the document.
    scene.views.faults.panics.store(true, SeqCst);
    scene.deposit(5).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(is_silent(&mut live).await);
    scene.views.faults.panics.store(false, SeqCst);
    assert_eq!(seen(&mut live).await, Some(5));
}

#[tokio::test(start_paused = true)]
async fn however_many_watch_a_change_is_one_look_at_the_store() {
    let scene = Scene::new().await;
    let mut live = Vec::new();
    for round in 0..400 {
        // Two for each key.
        if round % 2 == 0 {
            scene.open(&format!("a{}", round / 2), "ada").await;
        }
        let mut one = scene.readers.watch::<Balance>(&account(format!("a{}", round / 2)));
        assert_eq!(seen(&mut one).await, Some(0));
        live.push(one);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = loads(&scene.views);
    for id in ["a7", "a100"] {
        scene.app.execute(Deposit { account: account(id), amount: 5 }).await.unwrap();
        caught_up::<Balance>(&scene.log, &scene.views).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    // The projection itself reads each document before it folds.
    let looks = loads(&scene.views) - before;
    assert!(looks <= 4, "{looks} looks at two changes");
    for (round, one) in live.iter_mut().enumerate() {
        if [14, 15, 200, 201].contains(&round) {
            assert_eq!(seen(one).await, Some(5));
        } else {
            let told = poll_fn(|context| Poll::Ready(Pin::new(&mut *one).poll_next(context))).await;
            assert!(told.is_pending());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_nothing_moves_no_document_is_read() {
    let scene = Scene::opened().await;
    let mut live = scene.readers.watch::<Balance>(&account("a"));
    seen(&mut live).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = loads(&scene.views);
    // Heartbeats go on.
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(loads(&scene.views), before);
    assert!(is_silent(&mut live).await);
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_for_those_who_have_gone() {
    let scene = Scene::opened().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..3 {
        let mut live: Vec<_> = (0..5).map(|_| scene.readers.watch::<Balance>(&account("a"))).collect();
        assert_eq!(tasks(), before, "nothing runs before it is read");
        for one in &mut live {
            seen(one).await;
        }
        // One looks at the documents of all.
        assert_eq!(tasks(), before + 1);
        drop(live.split_off(2));
        scene.deposit(1).await;
        for one in &mut live {
            seen(one).await;
        }
        drop(live);
        eventually("the task ends", async || tasks() == before).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_it_never_goes_back_and_comes_to_the_end() {
    for seed in 0..20 {
        let scene = Scene::opened().await;
        *scene.views.faults.chaos.lock().unwrap() = Some(Dice::new(seed));
        let mut live = scene.readers.watch::<Balance>(&account("a"));
        let depositing = async {
            for _ in 0..60 {
                scene.deposit(1).await;
                tokio::time::sleep(Duration::from_millis(seed * 3)).await;
            }
        };
        let watching = async {
            let (mut amount, mut token) = (0, None);
            while amount < 60 {
                match live.next().await.expect("it goes on") {
                    Ok(answer) => {
                        let seen = answer.value.as_ref().unwrap().amount;
                        let position = answer.provenance.token.position();
                        assert!(seen >= amount, "seed {seed}: {seen} after {amount}");
                        assert!(Some(position) >= token, "seed {seed}: {position} after {token:?}");
                        (amount, token) = (seen, Some(position));
                    }
                    Err(error) => assert!(error.is_retryable(), "seed {seed}: {error:?}"),
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(10), async { tokio::join!(depositing, watching) })
            .await
            .unwrap_or_else(|_| panic!("seed {seed}: the last state is never shown"));
    }
}
