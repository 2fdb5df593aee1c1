//! All projections of an application that are at about the same position read the log once.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use cqrs_core::{
    app::App,
    domain::{FeedSpec, Subscription},
    envelope::{Position, RecordedEvent, StreamId},
    runtime::RuntimeOptions,
    store::{BatchError, BatchProjection, BoxFuture, Commit, Error, ProjectionId, ProjectionSpec, ViewStore},
};

use crate::{
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews},
    ledger::deposit,
    scene::{account_stream, all_events, append, eventually},
};

/// Writes down the positions of the events that it is given.
#[derive(Clone, Debug)]
struct Noting {
    id: ProjectionId,
    feeds: Vec<FeedSpec>,
    views: FaultyViews,
    /// How long its own code takes. Projections that take as long as each other go in step.
    takes: Duration,
    noted: Arc<Mutex<Vec<u64>>>,
}

impl Noting {
    /// The first one and every other want all, the others only what happens to accounts.
    fn of(views: &FaultyViews, number: usize) -> Self {
        let mut feeds = Subscription::<AccountEvent>::of().feeds();
        if number.is_multiple_of(2) {
            feeds.extend(Subscription::<TallyEvent>::of().feeds());
        }
        let id = ProjectionId::new(format!("noting_{number}"), 1);
        let takes = Duration::from_millis(number as u64 % 5);
        Self { id, feeds, views: views.clone(), takes, noted: Arc::default() }
    }

    fn wants(&self, event: &RecordedEvent) -> bool {
        self.feeds.iter().any(|feed| feed.category == event.stream.category())
    }

    async fn assert_has_all(&self, log: &FaultyLog) {
        let events = all_events(log).await;
        let wanted: Vec<u64> =
            events.iter().filter(|event| self.wants(event)).map(|event| event.position.get()).collect();
        let has = || self.noted.lock().unwrap().len();
        eventually("it catches up", async || has() >= wanted.len()).await;
        assert_eq!(*self.noted.lock().unwrap(), wanted, "{}", self.id);
    }
}

impl BatchProjection for Noting {
    fn id(&self) -> ProjectionId {
        self.id.clone()
    }

    fn feeds(&self) -> Vec<FeedSpec> {
        self.feeds.clone()
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        Arc::new(self.views.clone())
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let spec = ProjectionSpec { id: self.id.clone(), indexes: Vec::new(), fingerprint: 0 };
            self.views.prepare(&spec).await
        })
    }

    fn apply<'a>(
        &'a self,
        events: &'a [RecordedEvent],
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), BatchError>> {
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.views.commit(&self.id, commit).await?;
            self.noted.lock().unwrap().extend(events.iter().map(|event| event.position.get()));
            Ok(())
        })
    }
}

struct Scene {
    log: FaultyLog,
    views: FaultyViews,
    projections: Vec<Noting>,
    app: App,
}

impl Scene {
    /// An application with so many projections, which take a while to read and to write.
    async fn start(log: FaultyLog, projections: usize, batch: usize) -> Self {
        let views = FaultyViews::new();
        views.faults.commit_millis.store(5, SeqCst);
        log.faults.read_millis.store(2, SeqCst);
        let projections: Vec<Noting> = (0..projections).map(|number| Noting::of(&views, number)).collect();
        let mut builder = App::builder(log.clone()).runtime(RuntimeOptions::default().batch(batch));
        for projection in &projections {
            builder = builder.batch_projection(projection.clone());
        }
        let app = builder.build().await.unwrap();
        Self { log, views, projections, app }
    }

    async fn all_have_all(&self) {
        for projection in &self.projections {
            projection.assert_has_all(&self.log).await;
        }
    }

    fn reads(&self) -> usize {
        self.log.faults.reads.lock().unwrap().len()
    }
}

async fn count(log: &FaultyLog) -> Position {
    append(log, &StreamId::new("tally", "t").unwrap(), &[("counted", "{}")]).await
}

async fn log_of(events: i64) -> FaultyLog {
    let log = FaultyLog::new();
    for amount in 0..events {
        if amount % 3 == 0 {
            count(&log).await
        } else {
            deposit(&log, "a", amount).await
        };
    }
    log
}

async fn assert_cheap(reads: impl AsyncFn(usize) -> usize) {
    let (one, ten) = (reads(1).await, reads(10).await);
    assert!(ten < 2 * one, "{ten} reads for ten projections, {one} for one");
    // Nor do they wait for each other's looks in vain.
    assert!(2 * ten > one, "{ten} reads for ten projections, {one} for one");
}

#[tokio::test(start_paused = true)]
async fn ten_projections_that_catch_up_together_read_the_log_less_than_twice_as_often_as_one() {
    let reads = async |projections: usize| {
        let scene = Scene::start(log_of(1_000).await, projections, 20).await;
        scene.all_have_all().await;
        scene.app.shutdown().await;
        scene.reads()
    };
    assert_cheap(reads).await;
}

#[tokio::test(start_paused = true)]
async fn ten_projections_under_load_read_the_log_less_than_twice_as_often_as_one() {
    let reads = async |projections: usize| {
        let scene = Scene::start(log_of(0).await, projections, 100).await;
        let mut dice = Dice::new(7);
        for amount in 0..2_000 {
            // So that they do not go in step.
            scene.views.faults.commit_millis.store(1 + dice.roll(10), SeqCst);
            if amount % 3 == 0 {
                count(&scene.log).await
            } else {
                deposit(&scene.log, "a", amount).await
            };
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        scene.all_have_all().await;
        scene.app.shutdown().await;
        scene.reads()
    };
    assert_cheap(reads).await;
}

#[tokio::test(start_paused = true)]
async fn ten_projections_that_wait_for_news_look_for_them_less_than_twice_as_often_as_one() {
    let reads = async |projections: usize| {
        let scene = Scene::start(log_of(10).await, projections, 100).await;
        scene.all_have_all().await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        scene.app.shutdown().await;
        scene.reads()
    };
    assert_cheap(reads).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_all_projections_as_soon_as_it_would_reach_one() {
    let scene = Scene::start(log_of(10).await, 10, 100).await;
    scene.all_have_all().await;
    let mut dice = Dice::new(3);
    for wait in (0..60).map(|_| dice.roll(300)).collect::<Vec<_>>() {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        for _ in 0..dice.roll(4) {
            // They get out of step, and are told of news while one reads.
            scene.views.faults.commit_millis.store(1 + dice.roll(10), SeqCst);
            deposit(&scene.log, "b", 1).await;
            tokio::time::sleep(Duration::from_millis(dice.roll(8))).await;
        }
        let appended = tokio::time::Instant::now();
        deposit(&scene.log, "b", 1).await;
        scene.all_have_all().await;
        let took = appended.elapsed().as_millis();
        // Reading takes 2 ms, writing up to 14: what is under way, and what comes after it.
        assert!(took <= 3 * (2 + 14), "{took} ms after {wait} ms");
    }
    scene.app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_that_fail_lose_nothing_for_any_projection() {
    for seed in 0..10 {
        let scene = Scene::start(log_of(100).await, 10, 7).await;
        let mut dice = Dice::new(seed);
        for amount in 0..400 {
            match dice.roll(20) {
                0 => scene.log.faults.away.store(true, SeqCst),
                1 => scene.views.faults.away.store(true, SeqCst),
                2 => scene.log.faults.read_millis.store(dice.roll(200), SeqCst),
                3 => scene.log.faults.yields.store(true, SeqCst),
                _ => {
                    scene.log.faults.away.store(false, SeqCst);
                    scene.views.faults.away.store(false, SeqCst);
                    deposit(&scene.log, "a", amount).await;
                    count(&scene.log).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(dice.roll(60))).await;
        }
        scene.log.faults.away.store(false, SeqCst);
        scene.views.faults.away.store(false, SeqCst);
        scene.all_have_all().await;
        scene.app.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_stands_still_holds_up_no_other() {
    let log = log_of(100).await;
    let scene = Scene::start(log, 10, 10).await;
    let slow = FaultyViews::new();
    slow.shut();
    let stuck = Noting::of(&slow, 11);
    let beside = Noting::of(&scene.views, 12);
    let app = App::builder(scene.log.clone())
        .batch_projection(stuck.clone())
        .batch_projection(beside.clone())
        .build()
        .await
        .unwrap();
    for nth in 0..300 {
        append(&scene.log, &account_stream("a"), &[("noted", "{}")]).await;
        tokio::time::sleep(Duration::from_millis(nth % 10)).await;
    }
    scene.all_have_all().await;
    beside.assert_has_all(&scene.log).await;
    assert!(stuck.noted.lock().unwrap().is_empty());
    slow.open();
    stuck.assert_has_all(&scene.log).await;
    app.shutdown().await;
    scene.app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_projections_on_two_threads_miss_nothing() {
    let scene = Scene::start(log_of(300).await, 10, 11).await;
    scene.log.faults.read_millis.store(0, SeqCst);
    scene.views.faults.commit_millis.store(0, SeqCst);
    for amount in 0..600 {
        if amount % 3 == 0 {
            count(&scene.log).await
        } else {
            deposit(&scene.log, "a", amount).await
        };
        if amount % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    scene.all_have_all().await;
    scene.app.shutdown().await;
}
