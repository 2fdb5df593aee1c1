use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::Poll,
};

use cqrs_core::{
    app::{App, BuildError},
    domain::{Feeds, Index, IndexSpec, IndexValue, Model},
    event_handler, handlers,
    memory::{MemoryEventStore, MemoryViewStore},
    query::QueryError,
    runtime::ProjectionState,
    store::{ProjectionId, ViewStore},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{
        account_stream, append, assert_equals_a_fold_from_scratch, begun, caught_up, eventually, health,
    },
};

async fn app(log: &FaultyLog, views: &FaultyViews) -> App {
    App::builder(log.clone()).projection::<Balance>(views.clone()).build().await.unwrap()
}

/// Polls a future once; true where it is done.
async fn poll_once<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

/// A batch that is on its way into the store, which is shut.
async fn batch_on_its_way(log: &FaultyLog, views: &FaultyViews) {
    views.shut();
    append(log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    eventually("a commit waits", async || views.faults.open.receiver_count() > 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_batch_that_is_being_written_and_nothing_follows() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views).await;
    batch_on_its_way(&log, &views).await;
    let mut shutdown = pin!(app.shutdown());
    assert!(!poll_once(&mut shutdown).await);
    views.open();
    shutdown.await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
    assert_eq!(health::<Balance>(&app).await.state, ProjectionState::Stopped);
    let commits = views.faults.commits.load(SeqCst);
    app.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
    app.shutdown().await;
    assert_eq!(views.faults.commits.load(SeqCst), commits);
    assert!(app.view::<Balance>(&account("a")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_waits_as_well() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views).await;
    batch_on_its_way(&log, &views).await;
    {
        let mut dropped = pin!(app.shutdown());
        assert!(!poll_once(&mut dropped).await);
    }
    let mut second = pin!(app.shutdown());
    let mut third = pin!(app.shutdown());
    assert!(!poll_once(&mut second).await);
    assert!(!poll_once(&mut third).await);
    views.open();
    second.await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
    third.await;
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_panics_shows_in_health() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    begun::<Balance>(&log, &views).await;
    let app = app(&log, &views).await;
    views.faults.panics.store(true, SeqCst);
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let reason = crate::scene::halted::<Balance>(&app).await;
    assert!(reason.contains("the store panics"), "{reason}");
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_stops_the_projections() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (app, handle) = {
        let app = app(&log, &views).await;
        (app.clone(), app)
    };
    drop(app);
    handle.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    drop(handle);
    eventually("the runner lets go of its store", async || Arc::strong_count(&views.faults) == 1).await;
    assert_eq!(Arc::strong_count(&log.faults), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_lets_the_batch_that_is_being_written_end() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views).await;
    batch_on_its_way(&log, &views).await;
    append(&log, &account_stream("b"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    drop(app);
    views.open();
    eventually("the runner lets go of its store", async || Arc::strong_count(&views.faults) == 1).await;
    let checkpoint = views.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
    assert_eq!(checkpoint.position.get(), 1);
}

#[tokio::test]
async fn one_projection_is_registered_once() {
    let views = MemoryViewStore::new();
    let builder = App::builder(MemoryEventStore::new()).projection::<Balance>(views.clone());
    let twice = builder.query_only::<Balance>(views.clone()).build().await;
    assert!(matches!(twice, Err(BuildError::Duplicate { .. })));
    let namesakes = App::builder(MemoryEventStore::new())
        .projection::<Balance>(views.clone())
        .projection::<Namesake>(views)
        .build()
        .await
        .unwrap_err();
    let text = namesakes.to_string();
    assert!(text.contains("balance v1") && text.contains("Balance`") && text.contains("Namesake`"), "{text}");
}

/// Claims the name of another projection.
#[derive(cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(name = "balance", events(TallyEvent))]
struct Namesake {}

#[handlers]
impl Namesake {
    #[event_handler]
    fn on_counted(self, _: &Counted) -> Self {
        self
    }
}

/// Written by hand, as the macros refuse it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Doubled<const INDEX: bool> {}

impl<const INDEX: bool> Model for Doubled<INDEX> {
    type Key = TallyId;
    type Events = TallyEvent;
    const FINGERPRINT: u64 = 0;
    fn initial() -> Option<Self> {
        Some(Self {})
    }
}

impl<const INDEX: bool> cqrs_core::domain::Apply<Counted> for Doubled<INDEX> {
    const FINGERPRINT: u64 = 0;
    fn route(_: &Counted, stream: &str, keys: &mut Vec<TallyId>) -> Result<(), cqrs_core::domain::IdError> {
        keys.push(stream.parse()?);
        Ok(())
    }
    fn apply(
        state: cqrs_core::domain::State<Self>,
        _: &Counted,
        _: &cqrs_core::envelope::Metadata,
    ) -> Result<cqrs_core::domain::State<Self>, cqrs_core::domain::FoldError> {
        Ok(state)
    }
}

impl<const INDEX: bool> cqrs_core::Projection for Doubled<INDEX> {
    const NAME: &'static str = "doubled";
    const VERSION: u32 = 1;
    const MAX_LAG: Option<std::time::Duration> = None;
    const INDEXES: &'static [IndexSpec] =
        if INDEX { &[IndexSpec::new("twice"), IndexSpec::new("twice")] } else { &[] };
    fn feeds(feeds: &mut Feeds<Self>) {
        feeds.add::<cqrs_core::domain::One<Counted>>();
        if !INDEX {
            feeds.add::<TallyEvent>();
        }
    }
    fn index_values(&self) -> Result<Vec<IndexValue>, serde_json::Error> {
        Ok(vec![IndexValue::Null; Self::INDEXES.len()])
    }
}

#[tokio::test]
async fn an_index_is_declared_once() {
    let views = MemoryViewStore::new();
    let twice = App::builder(MemoryEventStore::new()).projection::<Doubled<true>>(views).build().await;
    assert!(matches!(twice, Err(BuildError::DuplicateIndex { index: "twice", .. })));
}

#[tokio::test]
async fn an_event_feeds_a_projection_once() {
    let views = MemoryViewStore::new();
    let twice = App::builder(MemoryEventStore::new()).projection::<Doubled<false>>(views).build().await;
    assert!(matches!(twice, Err(BuildError::DuplicateFeed { category: "tally", event: "counted", .. })));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_a_projection_fails_the_build() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let running = app(&log, &views).await;
    running.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    let changed = App::builder(log).projection::<Reindexed>(views).build().await.unwrap_err();
    assert!(matches!(&changed, BuildError::Store { projection, .. } if projection.name == "balance"));
}

/// The balance with an index more, and no new version.
#[derive(cqrs_core::Projection, serde::Serialize, serde::Deserialize)]
#[projection(name = "balance", events(TallyEvent))]
struct Reindexed {
    #[projection(index)]
    mood: String,
}

#[handlers]
impl Reindexed {
    #[event_handler]
    fn on_counted(_: &Counted) -> Self {
        Self { mood: String::new() }
    }
}

#[tokio::test]
async fn a_query_of_an_unregistered_projection_says_so() {
    let views = MemoryViewStore::new();
    let app = App::builder(MemoryEventStore::new()).projection::<Balance>(views).build().await.unwrap();
    let _: Index<Reindexed, String> = Reindexed::mood();
    let missing = app.view::<Portfolio>(&owner("ada")).await;
    assert!(
        matches!(missing, Err(QueryError::Unregistered { projection }) if projection.name == "portfolio")
    );
    assert!(matches!(app.views::<Portfolio>().await, Err(QueryError::Unregistered { .. })));
    let bare = App::builder(MemoryEventStore::new()).build().await.unwrap();
    assert!(matches!(bare.views::<Balance>().latest().await, Err(QueryError::Unregistered { .. })));
    assert_eq!(bare.event_store().head().await.unwrap().get(), 0);
}
