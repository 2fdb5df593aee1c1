use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use cqrs_core::{
    app::App,
    event_handler, handlers,
    query::Views,
    runtime::{Lag, LagHook},
    store::ProjectionId,
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, caught_up, eventually, health},
};

#[derive(Clone, Default)]
struct Told {
    observed: Arc<Mutex<Vec<Lag>>>,
    crossed: Arc<Mutex<Vec<(&'static str, Lag)>>>,
}

impl Told {
    fn observed(&self) -> Vec<Lag> {
        self.observed.lock().unwrap().clone()
    }

    fn crossings(&self) -> Vec<&'static str> {
        self.crossed.lock().unwrap().iter().map(|(what, _)| *what).collect()
    }
}

impl LagHook for Told {
    fn observed(&self, projection: &ProjectionId, lag: Lag) {
        assert_eq!(projection.name, "prompt");
        self.observed.lock().unwrap().push(lag);
    }

    fn breached(&self, _: &ProjectionId, lag: Lag, max_lag: Duration) {
        assert_eq!(max_lag, Duration::from_millis(40));
        self.crossed.lock().unwrap().push(("breached", lag));
    }

    fn recovered(&self, _: &ProjectionId, lag: Lag) {
        self.crossed.lock().unwrap().push(("recovered", lag));
    }
}

struct Panics;

impl LagHook for Panics {
    fn observed(&self, _: &ProjectionId, _: Lag) {
        panic!("a hook's own fault");
    }
}

async fn app(log: &FaultyLog, views: &FaultyViews, hook: impl LagHook) -> App {
    App::builder(log.clone()).projection::<Prompt>(views.clone()).lag_hook(hook).build().await.unwrap()
}

async fn open(log: &FaultyLog, id: &str) {
    append(log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
}

static RELEASED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
static WORKS: AtomicBool = AtomicBool::new(false);

/// Its handler holds its thread up until somebody releases it.
#[derive(cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(name = "prompt", events(AccountEvent), max_lag = "40ms")]
struct Ponderous {}

#[handlers(ignore(Deposited, Labelled, Noted, Cursed, HandedOver, AccountClosed))]
impl Ponderous {
    #[event_handler]
    fn on_opened(_: &AccountOpened) -> Self {
        WORKS.store(true, SeqCst);
        let (released, told) = &RELEASED;
        // The limit only keeps a broken build from hanging.
        let limit = Duration::from_secs(20);
        drop(told.wait_timeout_while(released.lock().unwrap(), limit, |released| !*released).unwrap());
        Self {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_breach_is_told_while_a_handler_still_works() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let app = App::builder(log.clone()).projection::<Ponderous>(views.clone()).lag_hook(told.clone());
    let app = app.build().await.unwrap();
    open(&log, "a").await;
    eventually("the handler works", async || WORKS.load(SeqCst)).await;
    let before = told.observed().len();
    eventually("it is told that it is late", async || {
        told.observed().len() > before + 2 && told.crossings().last() == Some(&"breached")
    })
    .await;
    assert_eq!(views.faults.batches.load(SeqCst), 0, "the handler still works");
    *RELEASED.0.lock().unwrap() = true;
    RELEASED.1.notify_all();
    caught_up::<Ponderous>(&log, &views).await;
    eventually("it is in time again", async || told.crossings().last() == Some(&"recovered")).await;
    app.shutdown().await;
}

#[tokio::test]
async fn a_projection_that_falls_behind_is_told_once_and_so_is_its_recovery() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    let app = app(&log, &views, told.clone()).await;
    for round in 1..=2 {
        caught_up::<Prompt>(&log, &views).await;
        views.shut();
        open(&log, &format!("a{round}")).await;
        eventually("it is late", async || told.crossings().len() == 2 * round - 1).await;
        let observed = told.observed().len();
        eventually("it is observed while it is late", async || told.observed().len() > observed + 3).await;
        let late = health::<Prompt>(&app).await;
        assert!(late.lag.events == 1 && late.lag.time > Duration::from_millis(40), "{late:?}");
        assert!(!late.is_well());
        views.open();
        eventually("it is in time again", async || told.crossings().len() == 2 * round).await;
    }
    assert_eq!(told.crossings(), ["breached", "recovered", "breached", "recovered"]);
    for (what, lag) in &*told.crossed.lock().unwrap() {
        let is_late = lag.time > Duration::from_millis(40);
        assert_eq!(is_late, *what == "breached", "{lag:?}");
    }
}

#[tokio::test]
async fn a_view_store_that_is_away_from_the_start_breaches_the_promise() {
    let (log, views, told) = (FaultyLog::new(), FaultyViews::new(), Told::default());
    open(&log, "a").await;
    views.faults.away.store(true, SeqCst);
    let _app = app(&log, &views, told.clone()).await;
    eventually("it is late", async || told.crossings() == ["breached"]).await;
    views.faults.away.store(false, SeqCst);
    eventually("it is in time", async || told.crossings() == ["breached", "recovered"]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_to_apply_is_no_lag_however_old_the_last_event_is() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    for id in ["a", "b", "c"] {
        open(&log, id).await;
    }
    let first = app(&log, &views, Told::default()).await;
    caught_up::<Prompt>(&log, &views).await;
    first.shutdown().await;
    // A restart, with all applied long ago.
    let told = Told::default();
    let app = app(&log, &views, told.clone()).await;
    eventually("it is observed", async || told.observed().len() > 10).await;
    assert!(told.observed().iter().all(|lag| *lag == Lag::default()), "{:?}", told.observed());
    assert_eq!(health::<Prompt>(&app).await.lag, Lag::default());
    assert!(app.health().await.is_well());
}

#[tokio::test(start_paused = true)]
async fn idle_heartbeats_keep_as_of_fresh() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, "a").await;
    let _app = app(&log, &views, Told::default()).await;
    caught_up::<Prompt>(&log, &views).await;
    let readers = Views::new(views.clone());
    for _ in 0..3 {
        let now = jiff::Timestamp::now();
        eventually("the store hears that the projection is up to date", async || {
            readers.checkpoint::<Prompt>().await.unwrap().unwrap().as_of >= now
        })
        .await;
    }
    assert_eq!(views.faults.batches.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_stops_no_projection() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, Panics).await;
    for id in ["a", "b", "c"] {
        open(&log, id).await;
        caught_up::<Prompt>(&log, &views).await;
    }
    eventually("it is well", async || app.health().await.is_well()).await;
}
