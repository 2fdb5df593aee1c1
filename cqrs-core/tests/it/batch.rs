//! Projections that write by themselves.

use std::{
    collections::BTreeMap,
    future::IntoFuture,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::{App, BuildError},
    domain::{FeedSpec, Subscribe, Subscription},
    envelope::{RecordedEvent, StreamId},
    memory::MemoryViewStore,
    query::Views,
    runtime::ProjectionState,
    store::{BatchError, BatchProjection, BoxFuture, Commit, Error, ProjectionId, ViewStore},
};

use crate::{
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews},
    ledger::{Ledger, assert_as_the_model, curse, deposit, something},
    queries::is_waiting,
    scene::{account_stream, append, eventually},
};

#[tokio::test(start_paused = true)]
async fn its_events_come_in_order_upcast_and_just_those_that_it_subscribes_to() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let app = ledger.app(&log, 100).await;
    deposit(&log, "a", 5).await;
    append(&log, &StreamId::new("tally", "7").unwrap(), &[("counted", "{}"), ("unheard_of", "{}")]).await;
    append(&log, &StreamId::new("other", "7").unwrap(), &[("counted", "{}")]).await;
    deposit(&log, "a", 6).await;
    ledger.caught_up(&log).await;
    // The first schema counted in hundreds.
    let wanted = [("account/a".to_owned(), vec![500, 600]), ("tally/7".to_owned(), vec![1])];
    assert_eq!(ledger.sums().await, BTreeMap::from(wanted));
    assert!(ledger.letters().await.is_empty() && app.health().await.is_well());
}

#[tokio::test(start_paused = true)]
async fn each_event_counts_once_and_just_those_at_fault_are_parked_whatever_happens() {
    let mut parked = 0;
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let (log, ledger) = (FaultyLog::new(), Ledger::new());
        *ledger.0.chaos.lock().unwrap() = (seed % 3 != 0).then(|| Dice::new(seed + 3000));
        let batch = 1 + usize::try_from(dice.roll(40)).unwrap();
        let mut running = ledger.app(&log, batch).await;
        for _ in 0..120 {
            something(&log, &mut dice).await;
            match dice.roll(30) {
                0 => running = ledger.app(&log, batch).await,
                1 => ledger.0.views.faults.away.store(true, SeqCst),
                2..=4 => tokio::time::sleep(Duration::from_millis(dice.roll(80))).await,
                _ => {}
            }
            if dice.roll(4) == 0 {
                ledger.0.views.faults.away.store(false, SeqCst);
            }
        }
        ledger.0.views.faults.away.store(false, SeqCst);
        assert_as_the_model(&ledger, &log).await;
        parked += ledger.letters().await.len();
        running.shutdown().await;
    }
    assert!(parked > 1000, "it proves little: {parked}");
}

#[tokio::test(start_paused = true)]
async fn two_apps_with_one_projection_apply_each_event_once() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let (log, ledger) = (FaultyLog::new(), Ledger::new());
        *ledger.0.chaos.lock().unwrap() = (seed % 2 == 0).then(|| Dice::new(seed + 4000));
        let apps = [ledger.app(&log, 3).await, ledger.app(&log, 7).await];
        for _ in 0..80 {
            something(&log, &mut dice).await;
            if dice.roll(3) == 0 {
                tokio::time::sleep(Duration::from_millis(dice.roll(30))).await;
            }
        }
        assert_as_the_model(&ledger, &log).await;
        for app in apps {
            app.shutdown().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_at_fault_is_parked_with_the_later_ones_of_its_stream_and_the_others_go_on() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let mut app = ledger.app(&log, 100).await;
    deposit(&log, "a", 1).await;
    ledger.caught_up(&log).await;
    curse(&log, "a").await;
    deposit(&log, "b", 2).await;
    ledger.caught_up(&log).await;
    // Also after a restart.
    app.shutdown().await;
    app = ledger.app(&log, 100).await;
    deposit(&log, "a", 3).await;
    deposit(&log, "b", 4).await;
    ledger.caught_up(&log).await;
    let a = account_stream("a");
    let wanted =
        [(2, a.clone(), "the ledger has no line for a curse".to_owned()), (4, a, "queued".to_owned())];
    assert_eq!(ledger.letters().await, wanted);
    let health = ledger.health(&app).await;
    assert_eq!((health.parked, health.applied.get(), health.is_well()), (2, 5, false));
    assert_eq!(ledger.sums().await["account/b"], [200, 400]);
    assert_as_the_model(&ledger, &log).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_at_fault_is_found_in_a_few_tries_and_no_other_is_parked() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    for event in 0..1000 {
        if event == 613 {
            curse(&log, "poor").await;
        }
        deposit(&log, &format!("a{event}"), 1).await;
    }
    let app = ledger.app(&log, 2000).await;
    ledger.caught_up(&log).await;
    app.shutdown().await;
    let letters = ledger.letters().await;
    assert_eq!((letters.len(), letters[0].0), (1, 614));
    assert_eq!(ledger.sums().await.len(), 1000);
    let tries = ledger.0.batches.lock().unwrap().len();
    assert!(tries <= 22, "{tries}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cant_be_read_is_named_and_not_looked_for() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    for event in 0..100 {
        if event == 61 {
            append(&log, &account_stream("poor"), &[("deposited", r#"{"what":"?"}"#)]).await;
        }
        deposit(&log, &format!("a{event}"), 1).await;
    }
    let app = ledger.app(&log, 2000).await;
    ledger.caught_up(&log).await;
    app.shutdown().await;
    let letters = ledger.letters().await;
    assert_eq!((letters.len(), letters[0].0), (1, 62));
    assert!(letters[0].2.contains("does not fit `DepositedV1`"), "{letters:?}");
    let batches = ledger.0.batches.lock().unwrap().clone();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [61, 39]);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_refused_only_together_are_applied_one_by_one() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    *ledger.0.dislikes_pairs.lock().unwrap() = true;
    for amount in 0..9 {
        deposit(&log, "a", amount).await;
    }
    let app = ledger.app(&log, 100).await;
    ledger.caught_up(&log).await;
    assert!(ledger.letters().await.is_empty() && app.health().await.is_well());
    assert_as_the_model(&ledger, &log).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_parks_nothing_and_is_tried_again() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let app = ledger.app(&log, 100).await;
    eventually("it is live", async || app.health().await.is_well()).await;
    ledger.0.views.faults.away.store(true, SeqCst);
    deposit(&log, "a", 1).await;
    let retries = async || match ledger.health(&app).await.state {
        ProjectionState::Retrying { attempts, .. } => attempts,
        _ => 0,
    };
    eventually("it tries again and again", async || retries().await > 5).await;
    ledger.0.views.faults.away.store(false, SeqCst);
    ledger.caught_up(&log).await;
    assert!(ledger.letters().await.is_empty());
    eventually("it is live again", async || app.health().await.is_well()).await;
}

#[tokio::test(start_paused = true)]
async fn its_freshness_is_asked_for_by_its_name() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let app = ledger.app(&log, 100).await;
    let views = Views::new(ledger.0.views.clone());
    ledger.0.views.shut();
    let receipt = app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let mut in_app = app.fresh_of(&Ledger::id()).latest().into_future();
    let mut alone = views.fresh_of(&Ledger::id()).at_least(&receipt.token).into_future();
    assert!(is_waiting(&mut in_app).await && is_waiting(&mut alone).await);
    ledger.0.views.open();
    for provenance in [in_app.await.unwrap(), alone.await.unwrap()] {
        assert_eq!(provenance.token, receipt.token);
    }
    // Heartbeats tell of a projection that has nothing to do.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let idle = views.fresh_of(&Ledger::id()).max_lag(Duration::from_secs(1)).await.unwrap();
    assert!(idle.lag.time <= Duration::from_secs(1));
}

#[derive(Debug)]
struct Clash(Subscription<Twice>, FaultyViews);

#[derive(Debug)]
struct Twice;

impl Subscribe for Twice {
    fn to(subscription: &mut Subscription<Self>) {
        subscription.one(|_: Counted| Self);
        subscription.set(|_: TallyEvent| Self);
    }
}

impl BatchProjection for Clash {
    fn id(&self) -> ProjectionId {
        ProjectionId { version: 2, ..Ledger::id() }
    }

    fn feeds(&self) -> Vec<FeedSpec> {
        self.0.feeds()
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        Arc::new(self.1.clone())
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        unreachable!("it is refused before")
    }

    fn apply<'a>(&'a self, _: &'a [RecordedEvent], _: Commit) -> BoxFuture<'a, Result<(), BatchError>> {
        unreachable!("it is refused before")
    }
}

#[tokio::test]
async fn what_is_registered_twice_or_fed_twice_is_refused_when_the_application_is_built() {
    let ledger = Ledger::over(FaultyViews::over(MemoryViewStore::new()));
    let twice = App::builder(FaultyLog::new())
        .batch_projection(ledger.clone())
        .batch_projection(ledger.clone())
        .build()
        .await;
    assert!(matches!(twice, Err(BuildError::Duplicate { .. })), "{twice:?}");
    let clash = Clash(Subscription::of(), FaultyViews::new());
    let fed = App::builder(FaultyLog::new()).batch_projection(clash).build().await;
    assert!(
        matches!(fed, Err(BuildError::DuplicateFeed { category: "tally", event: "counted", .. })),
        "{fed:?}"
    );
}
