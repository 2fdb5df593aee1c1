use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::App,
    envelope::{Json, Position},
    event_handler, handlers,
    memory::MemoryViewStore,
    runtime::RuntimeOptions,
    store::{
        Change, Checkpoint, Commit, DocumentWrite, EventStore, ProjectionId, ProjectionSpec, Reason,
        Sequence, Standing, ViewStore,
    },
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, caught_up, health},
};

struct Scene {
    log: FaultyLog,
    views: FaultyViews,
    app: App,
}

impl Scene {
    async fn over(views: MemoryViewStore, batch: usize) -> Self {
        let (log, views) = (FaultyLog::new(), FaultyViews::over(views));
        let app = Self::app(&log, &views, batch).await;
        for id in ["a", "b"] {
            app.execute(Open { account: account(id), owner: owner("ada") }).await.unwrap();
        }
        Self { log, views, app }
    }

    async fn new() -> Self {
        Self::over(MemoryViewStore::new(), 100).await
    }

    async fn app(log: &FaultyLog, views: &FaultyViews, batch: usize) -> App {
        App::builder(log.clone())
            .projection::<Balance>(views.clone())
            .projection::<Portfolio>(views.clone())
            .runtime(RuntimeOptions::default().batch(batch))
            .build()
            .await
            .unwrap()
    }

    async fn deposit(&self, id: &str, amount: i64) {
        append(&self.log, &account_stream(id), &[("deposited", &format!(r#"{{"units":{amount}}}"#))]).await;
    }

    async fn settle(&self) {
        caught_up::<Balance>(&self.log, &self.views).await;
        caught_up::<Portfolio>(&self.log, &self.views).await;
    }

    async fn restart(&mut self) {
        self.settle().await;
        self.app.shutdown().await;
        self.app = Self::app(&self.log, &self.views, 1).await;
    }

    async fn amount(&self, id: &str) -> Option<i64> {
        self.settle().await;
        self.app.view::<Balance>(&account(id)).await.unwrap().as_ref().map(|view| view.amount)
    }

    /// Position, sequence, and the reason or `queued`.
    async fn letters<P: cqrs_core::Projection>(&self) -> Vec<(u64, Sequence, String)> {
        self.settle().await;
        let id = ProjectionId::of::<P>();
        let letters = self.views.dead_letters(&id, None, Position::ZERO, 1000).await.unwrap();
        letters
            .into_iter()
            .map(|letter| {
                let reason = match letter.reason {
                    Reason::Failed(error) => error,
                    Reason::Queued => "queued".to_owned(),
                };
                (letter.position.get(), letter.sequence, reason)
            })
            .collect()
    }

    /// Only the document `a` of the balances is parked: the first letter says why, the rest queue behind it.
    async fn assert_parked(&self, positions: &[u64], why: &str) {
        let letters = self.letters::<Balance>().await;
        let found: Vec<u64> = letters.iter().map(|(position, ..)| *position).collect();
        assert_eq!(found, positions, "{letters:?}");
        for (index, (_, sequence, reason)) in letters.iter().enumerate() {
            assert_eq!(*sequence, Sequence::Document("a".into()));
            assert!(if index == 0 { reason.contains(why) } else { reason == "queued" }, "{letters:?}");
        }
        let health = health::<Balance>(&self.app).await;
        assert_eq!(health.parked, positions.len() as u64);
        assert!(!health.is_well());
    }
}

/// Two deposits for `a` and one for `b`, after the poison.
async fn go_on(scene: &Scene) {
    scene.deposit("a", 2).await;
    scene.deposit("b", 5).await;
    scene.deposit("a", 3).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_can_not_be_read_parks_its_own_document_and_others_go_on() {
    let scene = Scene::new().await;
    scene.deposit("a", 1).await;
    append(&scene.log, &account_stream("a"), &[("deposited", r#"{"units":"x"}"#)]).await;
    go_on(&scene).await;
    scene.assert_parked(&[4, 5, 7], "does not fit `DepositedV1`").await;
    assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(100), Some(500)));
    assert_eq!(health::<Portfolio>(&scene.app).await.parked, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_stays_parked_in_order_after_a_restart() {
    let mut scene = Scene::new().await;
    scene.deposit("a", 1).await;
    append(&scene.log, &account_stream("a"), &[("deposited", r#"{"units":"x"}"#)]).await;
    go_on(&scene).await;
    scene.restart().await;
    scene.deposit("a", 7).await;
    scene.deposit("b", 1).await;
    scene.assert_parked(&[4, 5, 7, 8], "does not fit `DepositedV1`").await;
    assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(100), Some(600)));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_newer_writer_parks_the_documents_of_the_event_set_only() {
    let scene = Scene::new().await;
    append(&scene.log, &account_stream("a"), &[("frozen", "{}")]).await;
    go_on(&scene).await;
    scene.assert_parked(&[3, 4, 6], "the event `frozen` is unknown").await;
    assert_eq!(health::<Portfolio>(&scene.app).await.parked, 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_parks_its_document_as_it_was_before() {
    for batch in [1, 100] {
        let mut scene = Scene::over(MemoryViewStore::new(), batch).await;
        scene.deposit("a", 1).await;
        scene.app.execute(Curse { account: account("a") }).await.unwrap();
        go_on(&scene).await;
        scene.assert_parked(&[4, 5, 7], "panicked: cursed").await;
        assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(100), Some(500)));
        scene.restart().await;
        scene.deposit("a", 7).await;
        scene.assert_parked(&[4, 5, 7, 8], "panicked: cursed").await;
        assert_eq!(scene.amount("a").await, Some(100));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fits_no_document_parks_it() {
    let scene = Scene::new().await;
    append(&scene.log, &account_stream("a"), &[("account_opened", r#"{"owner":"eve"}"#)]).await;
    go_on(&scene).await;
    scene.assert_parked(&[3, 4, 6], "which exists already").await;
    assert_eq!(scene.amount("a").await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_document_too_large_for_the_store_is_parked() {
    let scene = Scene::over(MemoryViewStore::new().max_document_bytes(200), 100).await;
    scene.settle().await;
    scene.app.execute(Label { account: account("a"), label: "x".repeat(200).into() }).await.unwrap();
    go_on(&scene).await;
    scene.assert_parked(&[3, 4, 6], "the read store takes 200").await;
    assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(0), Some(500)));
}

/// The page after it is folded before the store has said no.
#[tokio::test(start_paused = true)]
async fn a_document_too_large_for_the_store_is_parked_though_the_next_page_was_folded_on_it() {
    for batch in 1..6 {
        let mut scene = Scene::over(MemoryViewStore::new().max_document_bytes(200), batch).await;
        scene.settle().await;
        scene.app.shutdown().await;
        let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(200));
        append(&scene.log, &account_stream("a"), &[("labelled", &label)]).await;
        go_on(&scene).await;
        go_on(&scene).await;
        scene.app = Scene::app(&scene.log, &scene.views, batch).await;
        scene.settle().await;
        scene.assert_parked(&[3, 4, 6, 7, 9], "the read store takes 200").await;
        assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(0), Some(1000)));
        scene.restart().await;
        scene.deposit("a", 7).await;
        scene.settle().await;
        scene.assert_parked(&[3, 4, 6, 7, 9, 10], "the read store takes 200").await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_the_events_of_a_refused_document_the_one_at_fault_is_parked_whatever_page_it_comes_in() {
    for batch in [1, 2, 3, 5, 8, 100] {
        let mut scene = Scene::over(MemoryViewStore::new().max_document_bytes(200), batch).await;
        scene.settle().await;
        scene.app.shutdown().await;
        let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(200));
        for _ in 0..2 {
            go_on(&scene).await;
        }
        append(&scene.log, &account_stream("a"), &[("labelled", &label)]).await;
        for _ in 0..2 {
            go_on(&scene).await;
        }
        scene.app = Scene::app(&scene.log, &scene.views, batch).await;
        scene.settle().await;
        scene.assert_parked(&[9, 10, 12, 13, 15], "the read store takes 200").await;
        assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(1000), Some(2000)));
        let checkpoint = scene.views.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
        assert_eq!((checkpoint.position.get(), checkpoint.parked), (15, 5));
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_value_that_can_be_none_parks_its_document() {
    let mut scene = Scene::new().await;
    scene.settle().await;
    let list = serde_json::json!(["x"]);
    scene.app.execute(Label { account: account("a"), label: list }).await.unwrap();
    go_on(&scene).await;
    scene.assert_parked(&[3, 4, 6], "an indexed field must serialise to text").await;
    assert_eq!((scene.amount("a").await, scene.amount("b").await), (Some(0), Some(500)));
    scene.restart().await;
    scene.deposit("a", 1).await;
    scene.assert_parked(&[3, 4, 6, 7], "an indexed field must serialise to text").await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_document_that_fits_its_type_no_more_is_parked_and_kept() {
    let (log, inner) = (FaultyLog::new(), MemoryViewStore::new());
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    append(&log, &account_stream("b"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    let id = ProjectionId::of::<Balance>();
    inner.prepare(&ProjectionSpec::of::<Balance>()).await.unwrap();
    let old = Json::from_text(r#"{"of":"another shape"}"#.into()).unwrap();
    let position = Position::new(1);
    let change =
        Change::Put { data: old.clone().into(), indexes: vec![cqrs_core::domain::IndexValue::Null; 3] };
    let checkpoint = Checkpoint {
        log: log.log_id(),
        position,
        head: position,
        as_of: jiff::Timestamp::now(),
        parked: 0,
        last: None,
        diverged: false,
        fence: 0,
        standing: Standing::Live,
        partitions: 1,
    };
    let commit = Commit {
        expected: Position::ZERO,
        checkpoint,
        documents: vec![DocumentWrite { key: "a".into(), created: position, applied: position, change }],
        parked: Vec::new(),
        resolved: Vec::new(),
    };
    inner.commit(&id, commit).await.unwrap();
    let views = FaultyViews::over(inner);
    let scene = Scene { app: Scene::app(&log, &views, 100).await, log, views };
    go_on(&scene).await;
    scene.assert_parked(&[3, 5], "the stored document does not fit `Balance`").await;
    assert_eq!(scene.amount("b").await, Some(500));
    let kept = scene.views.load(&id, &["a".to_owned()]).await.unwrap();
    assert_eq!((kept[0].data.clone(), kept[0].applied), (Some(old), position));
    let unreadable = scene.app.view::<Balance>(&account("a")).await.unwrap_err();
    assert!(unreadable.to_string().contains(r#""a" of the projection `balance`"#), "{unreadable}");
}

#[tokio::test(start_paused = true)]
async fn where_the_document_is_not_known_the_stream_is_parked_and_other_streams_go_on() {
    let mut scene = Scene::new().await;
    let stream = account_stream("c");
    append(&scene.log, &stream, &[("account_opened", r#"{"owner":5}"#)]).await;
    append(&scene.log, &stream, &[("handed_over", r#"{"from":"cy","to":"di"}"#)]).await;
    scene.app.execute(HandOver { account: account("a"), to: owner("di") }).await.unwrap();
    scene.restart().await;
    append(&scene.log, &stream, &[("handed_over", r#"{"from":"di","to":"cy"}"#)]).await;
    let letters = scene.letters::<Portfolio>().await;
    let found: Vec<_> = letters.iter().map(|(position, sequence, _)| (*position, sequence.clone())).collect();
    let parked = Sequence::Stream(stream);
    assert_eq!(found, [(3, parked.clone()), (4, parked.clone()), (6, parked)]);
    assert!(letters[0].2.contains("does not fit `AccountOpened`"), "{letters:?}");
    let di = scene.app.view::<Portfolio>(&owner("di")).await.unwrap().into_value().unwrap();
    assert_eq!((di.events, di.applied.get()), (1, 5));
    assert!(scene.app.view::<Portfolio>(&owner("cy")).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_event_parked_for_several_documents_counts_as_one() {
    let mut scene = Scene::new().await;
    append(&scene.log, &account_stream("a"), &[("handed_over", r#"{"from":"ada","to":"panic"}"#)]).await;
    append(&scene.log, &account_stream("a"), &[("handed_over", r#"{"from":"bob","to":"ada"}"#)]).await;
    let letters = scene.letters::<Portfolio>().await;
    let found: Vec<_> = letters.iter().map(|(position, sequence, _)| (*position, sequence.clone())).collect();
    let document = |key: &str| Sequence::Document(key.into());
    assert_eq!(found, [(3, document("ada")), (3, document("panic")), (4, document("ada"))]);
    assert_eq!(health::<Portfolio>(&scene.app).await.parked, 2);
    let bob = scene.app.view::<Portfolio>(&owner("bob")).await.unwrap().into_value().unwrap();
    assert_eq!(bob.events, 1, "the event goes on to the documents that are not parked");
    scene.restart().await;
    assert_eq!(scene.app.health().await.projections.len(), 2);
    scene.deposit("a", 1).await;
    scene.settle().await;
    assert_eq!(health::<Portfolio>(&scene.app).await.parked, 2);
}

/// How many deposits go well before one panics.
static FUSE: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);

/// Does not always do the same, which no handler may.
#[derive(cqrs_core::Projection, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[projection(name = "moody", events(AccountEvent))]
struct Moody {
    amount: i64,
}

#[handlers(ignore(Labelled, Noted, HandedOver, AccountClosed))]
impl Moody {
    #[event_handler]
    fn on_opened(_: &AccountOpened) -> Self {
        Self { amount: 0 }
    }

    #[event_handler]
    fn on_deposited(&mut self, event: &Deposited) {
        assert!(FUSE.fetch_sub(1, SeqCst) > 0, "out of luck");
        self.amount += event.amount;
    }

    #[event_handler]
    fn on_cursed(self, _: &Cursed) -> Self {
        panic!("cursed")
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_always_do_the_same_loses_no_document() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = App::builder(log.clone()).projection::<Moody>(views.clone()).build().await.unwrap();
    FUSE.store(1, SeqCst);
    let stream = account_stream("a");
    append(&log, &stream, &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    caught_up::<Moody>(&log, &views).await;
    // The deposit goes well; when the curse has it folded again, it does not.
    append(&log, &stream, &[("deposited", r#"{"units":1}"#), ("cursed", "{}"), ("noted", "{}")]).await;
    caught_up::<Moody>(&log, &views).await;
    let kept = app.view::<Moody>(&account("a")).await.unwrap().into_value().unwrap();
    assert_eq!((kept.amount, kept.applied.get()), (0, 1));
    let letters = views.dead_letters(&ProjectionId::of::<Moody>(), None, Position::ZERO, 9).await.unwrap();
    let positions: Vec<u64> = letters.iter().map(|letter| letter.position.get()).collect();
    assert_eq!(positions, [2, 3]);
    assert!(matches!(&letters[0].reason, Reason::Failed(error) if error.contains("out of luck")));
    assert_eq!(letters[1].reason, Reason::Queued);
}
