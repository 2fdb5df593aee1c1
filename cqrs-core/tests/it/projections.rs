use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    app::{App, StoreHealth},
    domain::IndexValue,
    envelope::Position,
    memory::MemoryViewStore,
    query::QueryError,
    runtime::{ProjectionState, RuntimeOptions},
    store::{
        Change, Checkpoint, Commit, DocumentWrite, EventStore, ProjectionId, ProjectionSpec, Standing,
        ViewStore,
    },
};

use crate::{
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews},
    scene::{
        account_stream, append, assert_equals_a_fold_from_scratch, by_hand, caught_up, eventually,
        from_scratch, halted, health,
    },
};

async fn app(log: &FaultyLog, views: &FaultyViews, batch: usize) -> App {
    App::builder(log.clone())
        .projection::<Balance>(views.clone())
        .projection::<Portfolio>(views.clone())
        .runtime(RuntimeOptions::default().batch(batch))
        .build()
        .await
        .unwrap()
}

/// One command at random; most of them make sense.
async fn something(app: &App, dice: &mut Dice) {
    let (id, owner) = (account(format!("a{}", dice.roll(5))), owner(format!("o{}", dice.roll(3))));
    let amount = i64::try_from(dice.roll(100)).unwrap();
    match dice.roll(12) {
        0..=2 => drop(app.execute(Open { account: id, owner }).await),
        3..=6 => drop(app.execute(Deposit { account: id, amount }).await),
        7 => drop(app.execute(Label { account: id, label: amount.to_string().into() }).await),
        8 => drop(app.execute(Note { account: id }).await),
        9 | 10 => drop(app.execute(HandOver { account: id, to: owner }).await),
        _ => drop(app.execute(Close { account: id }).await),
    }
}

async fn both_equal_a_fold_from_scratch(log: &FaultyLog, views: &FaultyViews) {
    for _ in 0..2 {
        caught_up::<Balance>(log, views).await;
        caught_up::<Portfolio>(log, views).await;
        *views.faults.chaos.lock().unwrap() = None;
        assert_equals_a_fold_from_scratch::<Balance>(log, views).await;
        assert_equals_a_fold_from_scratch::<Portfolio>(log, views).await;
        // Once more, after the last late delivery has come.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn views_equal_a_fold_from_scratch_whatever_the_store_does() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let (log, views) = (FaultyLog::new(), FaultyViews::new());
        *views.faults.chaos.lock().unwrap() = Some(Dice::new(seed + 1000));
        let batch = 1 + usize::try_from(dice.roll(7)).unwrap();
        let mut running = app(&log, &views, batch).await;
        for _ in 0..80 {
            something(&running, &mut dice).await;
            match dice.roll(40) {
                0 => running = app(&log, &views, batch).await,
                1 => views.faults.away.store(true, SeqCst),
                2 => log.faults.away.store(true, SeqCst),
                3..=9 => tokio::time::sleep(Duration::from_millis(dice.roll(80))).await,
                _ => {}
            }
            if dice.roll(4) == 0 {
                views.faults.away.store(false, SeqCst);
                log.faults.away.store(false, SeqCst);
            }
        }
        views.faults.away.store(false, SeqCst);
        log.faults.away.store(false, SeqCst);
        both_equal_a_fold_from_scratch(&log, &views).await;
        let (written, documents) = (log.head().await.unwrap(), from_scratch::<Balance>(&log).await.len());
        assert!(written.get() > 20 && documents > 2, "seed {seed} proves little: {written}, {documents}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_apps_with_one_projection_write_each_event_once() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let (log, views) = (FaultyLog::new(), FaultyViews::new());
        if seed % 2 == 0 {
            *views.faults.chaos.lock().unwrap() = Some(Dice::new(seed + 2000));
        }
        let apps = [app(&log, &views, 2).await, app(&log, &views, 3).await];
        for _ in 0..60 {
            something(&apps[usize::try_from(dice.roll(2)).unwrap()], &mut dice).await;
            if dice.roll(3) == 0 {
                tokio::time::sleep(Duration::from_millis(dice.roll(30))).await;
            }
        }
        both_equal_a_fold_from_scratch(&log, &views).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_apps_on_two_threads_write_each_event_once() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let apps = [app(&log, &views, 5).await, app(&log, &views, 7).await];
    let writers: Vec<_> = (0..4)
        .map(|seed| {
            let app = apps[usize::try_from(seed % 2).unwrap()].clone();
            tokio::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..300 {
                    something(&app, &mut dice).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    both_equal_a_fold_from_scratch(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_projection_starts_from_its_checkpoint() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views, 10).await;
    let mut dice = Dice::new(1);
    for _ in 0..50 {
        something(&first, &mut dice).await;
    }
    caught_up::<Balance>(&log, &views).await;
    caught_up::<Portfolio>(&log, &views).await;
    first.shutdown().await;
    let batches = views.faults.batches.load(SeqCst);
    let second = app(&log, &views, 10).await;
    eventually("it is live again", async || {
        second.health().await.projections.iter().all(|health| health.state == ProjectionState::Live)
    })
    .await;
    assert_eq!(views.faults.batches.load(SeqCst), batches);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_while_the_log_is_read_is_not_left_until_later() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 10).await;
    eventually("it is live", async || app.health().await.is_well()).await;
    let started = tokio::time::Instant::now();
    for round in 0..50 {
        let open = |id: String| by_hand(&account_stream(&id), &[("account_opened", r#"{"owner":"ada"}"#)]);
        *log.faults.after_read_log.lock().unwrap() = Some(open(format!("later{round}")));
        log.append(open(format!("first{round}"))).await.unwrap();
        eventually_at_once(&log, &views, 2 * (round + 1)).await;
    }
    // The clock only moves when nothing else can.
    assert_eq!(started.elapsed(), Duration::ZERO);
}

async fn eventually_at_once(log: &FaultyLog, views: &FaultyViews, position: u64) {
    let mut progress = views.watch(&ProjectionId::of::<Balance>());
    let there = progress.wait_for(|at| at.is_some_and(|checkpoint| checkpoint.position.get() >= position));
    there.await.unwrap();
    caught_up::<Portfolio>(log, views).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_document_has_already_is_passed_over() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views, 10).await;
    first.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    first.execute(Deposit { account: account("a"), amount: 5 }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    first.shutdown().await;
    // As a store without transactions leaves it: the document is written, and the checkpoint is not.
    let id = ProjectionId::of::<Balance>();
    let document = views.load(&id, &["a".to_owned()]).await.unwrap().remove(0);
    let torn = FaultyViews::new();
    torn.prepare(&ProjectionSpec::of::<Balance>()).await.unwrap();
    let change = Change::Put { data: document.data.unwrap().into(), indexes: vec![IndexValue::Null; 3] };
    let (created, applied) = (document.created, document.applied);
    let (position, head) = (Position::ZERO, Position::ZERO);
    let commit = Commit {
        expected: Position::ZERO,
        checkpoint: Checkpoint {
            log: log.log_id(),
            position,
            head,
            as_of: jiff::Timestamp::now(),
            parked: 0,
            last: None,
            diverged: false,
            fence: 0,
            standing: Standing::Live,
            partitions: 1,
        },
        documents: vec![DocumentWrite { key: "a".into(), created, applied, change }],
        parked: Vec::new(),
        resolved: Vec::new(),
    };
    torn.inner.commit(&id, commit).await.unwrap();
    let second = app(&log, &torn, 1).await;
    second.execute(Deposit { account: account("a"), amount: 7 }).await.unwrap();
    caught_up::<Balance>(&log, &torn).await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &torn).await;
    assert_eq!(health::<Balance>(&second).await.parked, 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_shows_in_health_and_is_tried_until_it_is_back() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    views.faults.away.store(true, SeqCst);
    let app = app(&log, &views, 10).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    eventually("it retries", async || {
        matches!(health::<Balance>(&app).await.state,
            ProjectionState::Retrying { error, attempts } if attempts > 8 && error.contains("the test took it away"))
    })
    .await;
    let health = app.health().await;
    assert!(!health.is_well());
    // Two handles, each of which may be the way that is broken.
    let projections: Vec<_> = health.read_stores.iter().flat_map(|store| store.projections.clone()).collect();
    assert_eq!(projections, [ProjectionId::of::<Balance>(), ProjectionId::of::<Portfolio>()]);
    let is_told =
        |error: &Option<String>| error.as_ref().is_some_and(|error| error.contains("the test took it away"));
    assert!(health.read_stores.iter().all(|store| is_told(&store.error)), "{health:?}");
    views.faults.away.store(false, SeqCst);
    caught_up::<Balance>(&log, &views).await;
    caught_up::<Portfolio>(&log, &views).await;
    eventually("all is well", async || app.health().await.is_well()).await;
    log.faults.away.store(true, SeqCst);
    eventually("the log's absence shows", async || {
        let health = app.health().await;
        matches!(health.write_store, StoreHealth::Down { .. })
            && matches!(health.projections[0].state, ProjectionState::Retrying { .. })
    })
    .await;
    log.faults.away.store(false, SeqCst);
    eventually("all is well again", async || app.health().await.is_well()).await;
    // A store that does not answer holds nobody up.
    views.faults.is_silent.store(true, SeqCst);
    let health = app.health().await;
    let error = health.read_stores[0].error.as_deref().unwrap_or_default();
    assert!(error.contains("did not answer within 2 s") && !health.is_well(), "{error}");
    views.faults.is_silent.store(false, SeqCst);
}

#[tokio::test(start_paused = true)]
async fn an_event_with_several_keys_reaches_each_of_its_documents_once() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 10).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    append(&log, &account_stream("a"), &[("handed_over", r#"{"from":"ada","to":"ada"}"#)]).await;
    let receipt = app.execute(HandOver { account: account("a"), to: owner("bob") }).await.unwrap();
    let ada = app.view::<Portfolio>(&owner("ada")).at_least(&receipt.token).await.unwrap();
    let bob = app.view::<Portfolio>(&owner("bob")).at_least(&receipt.token).await.unwrap();
    assert_eq!((ada.as_ref().unwrap().events, bob.as_ref().unwrap().events), (3, 1));
    assert_equals_a_fold_from_scratch::<Portfolio>(&log, &views).await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_document_stays_removed_for_late_events_and_comes_back_with_a_creating_one() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 1).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let closed = app.execute(Close { account: account("a") }).await.unwrap();
    let view = app.view::<Balance>(&account("a")).at_least(&closed.token).await.unwrap();
    assert!(view.is_none());
    let late = [("deposited", r#"{"units":3}"#)];
    append(&log, &account_stream("a"), &late).await;
    assert!(app.view::<Balance>(&account("a")).latest().await.unwrap().is_none());
    assert_eq!(health::<Balance>(&app).await.parked, 0);
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"bob"}"#)]).await;
    let again = app.view::<Balance>(&account("a")).latest().await.unwrap().into_value().unwrap();
    assert_eq!((again.owner.as_str(), again.created.get(), again.applied.get()), ("bob", 4, 4));
    let page = app.views::<Balance>().await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ignored_event_touches_no_document_even_where_it_can_not_be_read() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 10).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    let batches = views.faults.batches.load(SeqCst);
    append(&log, &account_stream("a"), &[("noted", "{}"), ("noted", "5")]).await;
    let view = app.view::<Balance>(&account("a")).latest().await.unwrap().into_value().unwrap();
    assert_eq!((view.applied.get(), health::<Balance>(&app).await.parked), (1, 0));
    assert_eq!(views.faults.batches.load(SeqCst), batches);
}

#[tokio::test(start_paused = true)]
async fn old_events_are_upcast() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 10).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":3}"#)]).await;
    let view = app.view::<Balance>(&account("a")).latest().await.unwrap().into_value().unwrap();
    assert_eq!(view.amount, 300);
}

#[tokio::test(start_paused = true)]
async fn another_log_halts_the_projection_and_others_go_on() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views, 10).await;
    first.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    first.shutdown().await;

    let (other, fresh) = (FaultyLog::new(), MemoryViewStore::new());
    let second = App::builder(other.clone())
        .projection::<Balance>(views.clone())
        .projection::<Portfolio>(fresh.clone())
        .build()
        .await
        .unwrap();
    for id in ["x", "y", "z"] {
        second.execute(Open { account: account(id), owner: owner("zoe") }).await.unwrap();
    }
    let reason = halted::<Balance>(&second).await;
    for named in [log.log_id(), other.log_id()] {
        assert!(reason.contains(&named.to_string()), "{reason}");
    }
    caught_up::<Portfolio>(&other, &fresh).await;
    assert_equals_a_fold_from_scratch::<Portfolio>(&other, &fresh).await;
    assert_equals_a_fold_from_scratch::<Balance>(&log, &views).await;
    assert!(!second.health().await.is_well());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_halts_the_projection_and_nothing_is_skipped() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views, 10).await;
    for id in ["a", "b", "c"] {
        first.execute(Open { account: account(id), owner: owner("ada") }).await.unwrap();
    }
    caught_up::<Balance>(&log, &views).await;
    first.shutdown().await;
    *log.faults.edit_page.lock().unwrap() = Some(Box::new(|page| {
        page.events.clear();
        (page.before, page.head, page.through) = (None, Position::new(2), Position::new(2));
    }));
    let second = app(&log, &views, 10).await;
    let reason = halted::<Balance>(&second).await;
    assert!(reason.contains("position 3") && reason.contains("ends at 2"), "{reason}");
    let checkpoint = views.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
    assert_eq!(checkpoint.position.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_and_has_grown_since_is_noticed_by_the_event_at_the_checkpoint() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app(&log, &views, 10).await;
    first.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    first.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    first.shutdown().await;
    let id = ProjectionId::of::<Balance>();
    let checkpoint = views.checkpoint(&id).await.unwrap().unwrap();
    assert!(checkpoint.last.is_some() && !checkpoint.diverged);
    // The same log as it might look after a restore: another event where the checkpoint's last one was.
    let other = Checkpoint { last: Some(cqrs_core::envelope::EventId::generate()), ..checkpoint };
    let (expected, documents, parked) = (checkpoint.position, Vec::new(), Vec::new());
    views.inner.commit(&id, Commit { documents, parked, ..Commit::of(expected, other) }).await.unwrap();

    let second = app(&log, &views, 10).await;
    assert!(halted::<Balance>(&second).await.contains("put back to an earlier state"));
    assert!(views.checkpoint(&id).await.unwrap().unwrap().diverged);
    let token = cqrs_core::envelope::Token::new(log.log_id(), Position::new(1));
    let query = || second.view::<Balance>(&account("a"));
    for refused in [query().at_least(&token), query().latest(), query().max_lag(std::time::Duration::MAX)] {
        assert!(matches!(refused.await, Err(QueryError::Diverged { .. })));
    }
    assert!(query().await.unwrap().provenance.stale);
    assert!(query().latest().or_stale().await.unwrap().provenance.stale);
    let alone = cqrs_core::query::Views::new(views.clone());
    let answer = alone.view::<Balance>(&account("a")).at_least(&token).await;
    assert!(matches!(answer, Err(QueryError::Diverged { .. })));
    second.shutdown().await;

    // Once the log is what it was, the projection goes on by itself.
    let (expected, documents, parked) = (checkpoint.position, Vec::new(), Vec::new());
    let fence = views.checkpoint(&id).await.unwrap().unwrap().fence;
    let restored = Checkpoint { diverged: true, fence, ..checkpoint };
    views.inner.commit(&id, Commit { documents, parked, ..Commit::of(expected, restored) }).await.unwrap();
    let third = app(&log, &views, 10).await;
    third.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
    eventually("the projection goes on", async || !views.checkpoint(&id).await.unwrap().unwrap().diverged)
        .await;
    assert!(!third.view::<Balance>(&account("a")).latest().await.unwrap().provenance.stale);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_under_a_running_projection_is_noticed_though_it_has_grown() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app(&log, &views, 10).await;
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    caught_up::<Balance>(&log, &views).await;
    // From now on the log has another past, and one event more.
    *log.faults.edit_page.lock().unwrap() = Some(Box::new(|page| {
        page.before = page.before.map(|_| cqrs_core::envelope::EventId::generate());
    }));
    app.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
    assert!(halted::<Balance>(&app).await.contains("put back to an earlier state"));
    let checkpoint = views.checkpoint(&ProjectionId::of::<Balance>()).await.unwrap().unwrap();
    assert!(checkpoint.diverged, "{checkpoint:?}");
    assert_eq!(checkpoint.position.get(), 1, "an event of another past was applied");
}
