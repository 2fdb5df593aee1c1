//! The documents of a projection, next to a fold from scratch.

use std::{num::NonZeroUsize, sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    app::App,
    envelope::{Json, LogId, Position, StreamId},
    operations::{Mismatch, Verification, Verify, VerifyError},
    runtime::RuntimeOptions,
    store::{
        Change, Checkpoint, Commit, DocumentWrite, EventStore, ProjectionId, Standing, StoredDocument,
        ViewStore,
    },
};

use crate::{
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews},
    ledger::{curse, deposit},
    scene::{account_stream, append, caught_up},
};

const ACCOUNTS: u64 = 20;

async fn open(log: &FaultyLog, id: &str) -> Position {
    append(log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await
}

async fn close(log: &FaultyLog, id: &str) -> Position {
    append(log, &account_stream(id), &[("account_closed", r#"{"owner":"ada"}"#)]).await
}

/// Twenty accounts, of which the first is closed.
async fn filled() -> FaultyLog {
    let log = FaultyLog::new();
    for number in 0..ACCOUNTS {
        open(&log, &format!("a{number}")).await;
    }
    for number in 0..5 * ACCOUNTS {
        deposit(&log, &format!("a{}", number * 7 % ACCOUNTS), 1).await;
    }
    close(&log, "a0").await;
    log
}

async fn app(log: &FaultyLog, views: &FaultyViews) -> App {
    App::builder(log.clone())
        .projection::<Balance>(views.clone())
        .projection::<Portfolio>(views.clone())
        .runtime(RuntimeOptions::default().batch(10))
        .build()
        .await
        .unwrap()
}

/// An application that runs nothing, on views that have caught up.
async fn at_rest(log: &FaultyLog) -> (FaultyViews, App) {
    let views = FaultyViews::new();
    let builds = app(log, &views).await;
    caught_up::<Balance>(log, &views).await;
    caught_up::<Portfolio>(log, &views).await;
    builds.shutdown().await;
    (views.clone(), App::builder(log.clone()).query_only::<Balance>(views).build().await.unwrap())
}

fn some(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn assert_equal(report: &Verification) {
    assert!(report.is_equal() && report.differences.is_empty(), "{report:?}");
    assert_eq!(report.folded, report.stored);
}

fn id() -> ProjectionId {
    ProjectionId::of::<Balance>()
}

async fn checkpoint(views: &FaultyViews) -> Checkpoint {
    views.inner.checkpoint(&id()).await.unwrap().unwrap()
}

async fn stored(views: &FaultyViews, key: &str) -> StoredDocument {
    views.load(&id(), &[key.to_owned()]).await.unwrap().remove(0)
}

/// Writes a document past the projection.
async fn tamper(views: &FaultyViews, document: StoredDocument) {
    let StoredDocument { key, created, applied, data } = document;
    let index = || cqrs_core::domain::IndexValue::Null;
    let change = match data {
        Some(data) => Change::Put { data: data.into(), indexes: vec![index(), index(), index()] },
        None => Change::Remove,
    };
    let checkpoint = checkpoint(views).await;
    let documents = vec![DocumentWrite { key, created, applied, change }];
    let commit = Commit { documents, ..Commit::of(checkpoint.position, checkpoint) };
    views.inner.commit(&id(), commit).await.unwrap();
}

fn edited(document: &StoredDocument, edit: impl FnOnce(&mut serde_json::Value)) -> StoredDocument {
    let mut data = document.data.as_ref().unwrap().parse().unwrap();
    edit(&mut data);
    StoredDocument { data: Some(Json::of(&data).unwrap()), ..document.clone() }
}

/// The one difference that there is, wherever the passes begin and end.
async fn assert_found(app: &App, key: &str, mismatch: &Mismatch) {
    for at_once in [1, 3, 19, 20, 21, 100] {
        let report = app.verify::<Balance>(Verify::all().at_once(some(at_once))).await.unwrap();
        assert_eq!((report.different, report.differences.len()), (1, 1), "{report:?}");
        assert_eq!((report.differences[0].key.as_str(), &report.differences[0].mismatch), (key, mismatch));
        assert_ne!(report.folded, report.stored);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_projection_has_built_equals_a_fold_from_scratch() {
    let log = filled().await;
    let (views, app) = at_rest(&log).await;
    let whole = app.verify::<Balance>(Verify::all()).await.unwrap();
    assert_equal(&whole);
    assert_eq!((whole.compared, whole.passes, whole.parked), (ACCOUNTS, 1, 0));
    assert_eq!((whole.position, &whole.projection), (log.head().await.unwrap(), &id()));
    for at_once in [1, 2, 7, 19, 20] {
        let report = app.verify::<Balance>(Verify::all().at_once(some(at_once))).await.unwrap();
        assert_equal(&report);
        assert_eq!((report.compared, report.folded), (ACCOUNTS, whole.folded), "{at_once} at once");
        assert!(u64::from(report.passes) >= ACCOUNTS.div_ceil(at_once as u64), "{report:?}");
    }
    // Where an event reaches several documents, and a document is reached by several streams.
    let app = App::builder(log.clone()).query_only::<Portfolio>(views).build().await.unwrap();
    assert_equal(&app.verify::<Portfolio>(Verify::all().at_once(some(1))).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_goes_on_meanwhile_raises_no_false_alarm() {
    let (log, views) = (filled().await, FaultyViews::new());
    let app = app(&log, &views).await;
    caught_up::<Balance>(&log, &views).await;
    views.faults.commit_millis.store(3, SeqCst);
    log.faults.read_millis.store(5, SeqCst);
    let load = {
        let log = log.clone();
        tokio::spawn(async move {
            let mut dice = Dice::new(5);
            for number in 0.. {
                match dice.roll(12) {
                    0 => open(&log, &format!("new{number}")).await,
                    1 => {
                        let id = format!("a{}", dice.roll(ACCOUNTS));
                        close(&log, &id).await;
                        open(&log, &id).await
                    }
                    _ => deposit(&log, &format!("a{}", 1 + dice.roll(ACCOUNTS - 1)), 1).await,
                };
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let mut further = 0;
    for round in 0..40 {
        let report = app.verify::<Balance>(Verify::all().at_once(some(5 + round))).await.unwrap();
        let parked = report.parked;
        assert_equal(&report);
        assert_eq!(report.compared + parked, report.compared, "nothing is parked");
        let now = stored(&views, "a1").await.applied;
        further += u32::from(now > report.position);
    }
    assert!(further > 30, "the documents have moved on while they were compared, {further} times of 40");
    load.abort();
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_was_altered_is_found() {
    let (views, app) = at_rest(&filled().await).await;
    let document = stored(&views, "a3").await;
    tamper(&views, edited(&document, |data| data["amount"] = 77.into())).await;
    assert_found(&app, "a3", &Mismatch::Content).await;
    tamper(&views, edited(&document, |data| data["foreign"] = true.into())).await;
    assert_found(&app, "a3", &Mismatch::Content).await;
    tamper(&views, StoredDocument { created: Position::new(1), ..document.clone() }).await;
    assert_found(&app, "a3", &Mismatch::Content).await;
    tamper(&views, StoredDocument { data: Some(Json::from_store("no JSON")), ..document.clone() }).await;
    assert_found(&app, "a3", &Mismatch::Content).await;
    let applied = Position::new(document.applied.get() - 1);
    tamper(&views, StoredDocument { applied, ..document.clone() }).await;
    assert_found(&app, "a3", &Mismatch::Applied).await;
    tamper(&views, document).await;
    assert_equal(&app.verify::<Balance>(Verify::all()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_order_of_fields_makes_no_difference() {
    let (views, app) = at_rest(&filled().await).await;
    let document = stored(&views, "a3").await;
    let fields: std::collections::BTreeMap<String, serde_json::Value> =
        document.data.as_ref().unwrap().parse().unwrap();
    let text: Vec<String> = fields.iter().rev().map(|(name, value)| format!("{name:?} : {value}")).collect();
    let data = Some(Json::from_text(format!("{{ {} }}", text.join(", "))).unwrap());
    assert_ne!(data, document.data);
    tamper(&views, StoredDocument { data, ..document }).await;
    assert_equal(&app.verify::<Balance>(Verify::all()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn documents_that_are_missing_or_too_many_are_found() {
    let log = filled().await;
    let (views, app) = at_rest(&log).await;
    let (removed, kept) = (stored(&views, "a0").await, stored(&views, "a3").await);
    tamper(&views, StoredDocument { data: kept.data.clone(), ..removed.clone() }).await;
    assert_found(&app, "a0", &Mismatch::Removal).await;
    tamper(&views, removed).await;
    tamper(&views, StoredDocument { data: None, ..kept.clone() }).await;
    assert_found(&app, "a3", &Mismatch::Removal).await;
    tamper(&views, kept.clone()).await;

    // The projection says that it has applied an event, but has not.
    let position = open(&log, "missing").await;
    let last = log.inner.read_log(position, &cqrs_core::store::EventFilter::ALL, 1).await.unwrap().before;
    let before = checkpoint(&views).await;
    let moved = Checkpoint { position, last, ..before };
    views.inner.commit(&id(), Commit::of(before.position, moved)).await.unwrap();
    assert_found(&app, "missing", &Mismatch::Missing).await;
    tamper(
        &views,
        StoredDocument { key: "missing".into(), created: position, applied: position, ..kept.clone() },
    )
    .await;
    assert_found(&app, "missing", &Mismatch::Content).await;
    let data = Json::from_store(r#"{"owner":"ada","amount":0,"label":null,"digest":7}"#);
    let key = "missing".to_owned();
    tamper(&views, StoredDocument { key, created: position, applied: position, data: Some(data) }).await;
    assert_equal(&app.verify::<Balance>(Verify::all()).await.unwrap());

    tamper(&views, StoredDocument { key: "surplus".into(), ..kept }).await;
    assert_found(&app, "surplus", &Mismatch::Surplus).await;
}

#[tokio::test(start_paused = true)]
async fn a_sample_compares_so_many_and_another_seed_others() {
    let (views, app) = at_rest(&filled().await).await;
    for seed in 0..5 {
        let report = app.verify::<Balance>(Verify::sample(some(7), seed)).await.unwrap();
        assert_equal(&report);
        assert_eq!((report.compared, report.passes), (7, 1));
        assert_eq!(app.verify::<Balance>(Verify::sample(some(7), seed)).await.unwrap(), report);
    }
    let all = app.verify::<Balance>(Verify::sample(some(1_000), 0)).await.unwrap();
    assert_eq!((all.compared, all.different), (ACCOUNTS, 0));
    let document = stored(&views, "a3").await;
    tamper(&views, edited(&document, |data| data["amount"] = 77.into())).await;
    let mut found = 0;
    for seed in 0..60 {
        let report = app.verify::<Balance>(Verify::sample(some(5), seed)).await.unwrap();
        assert_eq!(report.compared, 5);
        found += report.different;
    }
    // One of four.
    assert!((5..=30).contains(&found), "found by {found} samples of 60");
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_named_and_is_no_difference() {
    let log = filled().await;
    curse(&log, "a2").await;
    deposit(&log, "a2", 5).await;
    // It can't be read.
    append(&log, &account_stream("a4"), &[("deposited", r#"{"what":"?"}"#)]).await;
    // Of another stream, to the owner's document.
    append(&log, &account_stream("a5"), &[("handed_over", r#"{"from":"ada","to":7}"#)]).await;
    append(&log, &account_stream("a5"), &[("account_closed", r#"{"owner":"ada"}"#)]).await;
    deposit(&log, "a6", 5).await;
    let (views, app) = at_rest(&log).await;
    let mut report = app.verify::<Balance>(Verify::all()).await.unwrap();
    assert_equal(&report);
    report.parked_keys.sort();
    assert_eq!((report.parked, report.parked_keys), (3, vec!["a2".into(), "a4".into(), "a5".into()]));
    assert_eq!(report.compared, ACCOUNTS - 3);
    let app = App::builder(log.clone()).query_only::<Portfolio>(views.clone()).build().await.unwrap();
    let sequences = views.parked_sequences(&ProjectionId::of::<Portfolio>()).await.unwrap();
    assert_eq!(sequences, [cqrs_core::store::Sequence::Stream(StreamId::new("account", "a5").unwrap())]);
    let report = app.verify::<Portfolio>(Verify::all()).await.unwrap();
    assert_equal(&report);
    assert_eq!((report.parked, report.compared), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_and_is_not_parked_is_a_difference() {
    let log = filled().await;
    let position = curse(&log, "a2").await;
    let (views, app) = at_rest(&log).await;
    let letters = views.dead_letters(&id(), None, Position::ZERO, 10).await.unwrap();
    let before = checkpoint(&views).await;
    let resolved = letters.into_iter().map(|letter| (letter.sequence, letter.position)).collect();
    views.inner.commit(&id(), Commit { resolved, ..Commit::of(before.position, before) }).await.unwrap();
    let report = app.verify::<Balance>(Verify::all()).await.unwrap();
    assert_eq!(report.different, 1);
    assert!(
        matches!(&report.differences[0].mismatch, Mismatch::Unfoldable { position: at, error }
            if *at == position && error.contains("cursed")),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_t_be_compared_says_why() {
    let log = filled().await;
    let (views, app) = at_rest(&log).await;
    let verify = Verify::all;
    let unregistered = app.verify::<Portfolio>(verify()).await;
    assert!(matches!(unregistered, Err(VerifyError::Unregistered { .. })), "{unregistered:?}");
    let empty = App::builder(log.clone()).query_only::<Balance>(FaultyViews::new()).build().await.unwrap();
    assert!(matches!(empty.verify::<Balance>(verify()).await, Err(VerifyError::Unbuilt { .. })));

    let known = checkpoint(&views).await;
    let with = async |checkpoint: Checkpoint| {
        views.inner.commit(&id(), Commit::of(known.position, checkpoint)).await.unwrap();
        app.verify::<Balance>(verify()).await
    };
    let other = cqrs_core::envelope::EventId::generate();
    for checkpoint in [
        Checkpoint { log: LogId::generate(), ..known },
        Checkpoint { diverged: true, ..known },
        Checkpoint { last: Some(other), ..known },
    ] {
        assert!(matches!(with(checkpoint).await, Err(VerifyError::Diverged { .. })));
    }
    let building = with(Checkpoint { standing: Standing::Building, ..known }).await;
    assert!(matches!(building, Err(VerifyError::Unbuilt { .. })));
    assert_equal(&with(known).await.unwrap());

    // The log is put back while it is read.
    *log.faults.edit_page.lock().unwrap() = Some(Box::new(|page| {
        page.last = page.last.map(|_| cqrs_core::envelope::EventId::generate());
    }));
    let long = filled_beyond_a_page().await;
    let (_, app) = at_rest(&long).await;
    *long.faults.edit_page.lock().unwrap() = log.faults.edit_page.lock().unwrap().take();
    assert!(matches!(app.verify::<Balance>(verify()).await, Err(VerifyError::Diverged { .. })));
    *long.faults.edit_page.lock().unwrap() = None;
    assert_equal(&app.verify::<Balance>(verify()).await.unwrap());
    long.faults.away.store(true, SeqCst);
    assert!(
        matches!(app.verify::<Balance>(verify()).await, Err(VerifyError::Store(error)) if error.is_retryable())
    );
}

async fn filled_beyond_a_page() -> FaultyLog {
    let log = filled().await;
    for _ in 0..2_000 {
        deposit(&log, "a1", 1).await;
    }
    log
}

#[tokio::test(start_paused = true)]
async fn a_build_of_the_recent_past_is_compared_with_a_fold_from_there() {
    let log = filled().await;
    let from = log.head().await.unwrap();
    for id in ["b1", "b2"] {
        open(&log, id).await;
    }
    deposit(&log, "b1", 5).await;
    let views = FaultyViews::new();
    let app = app(&log, &views).await;
    caught_up::<Balance>(&log, &views).await;
    let operator = app.operator::<Balance>("ada").unwrap();
    operator.rebuild(&id(), from).await.unwrap();
    crate::scene::eventually("the new build answers", async || {
        app.views::<Balance>().await.is_ok_and(|page| page.items.len() == 2)
    })
    .await;
    assert_equal(&app.verify::<Balance>(Verify::all().from(from)).await.unwrap());
    let whole = app.verify::<Balance>(Verify::all()).await.unwrap();
    assert_eq!(whole.different, ACCOUNTS, "{whole:?}");
    app.shutdown().await;
}
