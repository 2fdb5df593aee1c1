//! Projections that several applications keep up to date together, each its own partitions.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use cqrs_core::{
    app::App,
    domain::Projection,
    envelope::{Position, Token},
    event_handler, handlers,
    operations::{Operator, Parked},
    query::{QueryError, Views},
    runtime::ProjectionState,
    store::{EventStore as _, Partition, ProjectionId, Sequence, ViewStore as _},
};

use crate::{
    divided::{Eight, LEASE, One, Two, app, caught_up, checkpoint, curse, deposit, fill, open, shared},
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews},
    scene::{
        Mended, account_stream, append, assert_equals_a_fold_from_scratch, eventually, halted, health,
        is_mended, runs,
    },
};

/// Events of many streams reach a document.
#[derive(cqrs_core::Projection, Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[projection(name = "holdings", events(AccountOpened, HandedOver), key = OwnerId, default, partitions = 4)]
struct Holdings {
    accounts: i64,
}

#[handlers]
impl Holdings {
    #[event_handler(key = event.owner.clone())]
    fn on_opened(&mut self, event: &AccountOpened) {
        let _ = event;
        self.accounts += 1;
    }

    #[event_handler(keys = both(event))]
    fn on_handed_over(&mut self, event: &HandedOver) {
        let _ = event;
        self.accounts += 10;
    }
}

fn both(event: &HandedOver) -> [OwnerId; 2] {
    assert!(is_mended() || event.to.to_string() != "broken", "the route is broken");
    [event.from.clone(), event.to.clone()]
}

fn partition_of(id: &str, of: u16) -> Partition {
    Partition::of_key(id).among(of)
}

#[tokio::test]
async fn applications_share_the_partitions_as_they_come_and_go() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 40).await;
    let first = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&first], 8).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    shared::<Eight>(&[&first, &second], 8).await;
    let third = app::<Eight>(&log, &views.beside()).await;
    shared::<Eight>(&[&first, &second, &third], 8).await;
    for nth in 0..40 {
        deposit(&log, &format!("a{nth}"), 1_000 + nth).await;
    }
    caught_up::<Eight>(&log, &views).await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
    // It leads.
    first.shutdown().await;
    deposit(&log, "a1", 5).await;
    shared::<Eight>(&[&second, &third], 8).await;
    third.shutdown().await;
    shared::<Eight>(&[&second], 8).await;
    deposit(&log, "a2", 6).await;
    caught_up::<Eight>(&log, &views).await;
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
}

#[tokio::test]
async fn a_page_costs_one_load_and_one_commit_however_many_partitions_it_concerns() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 100).await;
    let app = app::<Eight>(&log, &views).await;
    shared::<Eight>(&[&app], 8).await;
    caught_up::<Eight>(&log, &views).await;
    let count = || {
        let faults = &views.faults;
        [&faults.loads, &faults.together, &faults.batches].map(|count| count.load(SeqCst))
    };
    // While nothing is written, the rest comes together, and is read in pages of 20 events.
    views.shut();
    let before = count();
    for nth in 0..200 {
        deposit(&log, &format!("a{}", nth % 100), nth).await;
    }
    views.open();
    caught_up::<Eight>(&log, &views).await;
    let [loads, together, batches] = std::array::from_fn(|nth| count()[nth] - before[nth]);
    assert!(batches >= 40, "{batches} batches");
    let is_together = (1..=30).contains(&together);
    assert!(loads <= 30 && is_together, "{loads} loads and {together} calls for {batches} batches");
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
}

#[tokio::test]
async fn a_store_that_panics_as_it_writes_for_several_partitions_halts_the_projection() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 40).await;
    let app = app::<Eight>(&log, &views).await;
    caught_up::<Eight>(&log, &views).await;
    views.shut();
    deposit(&log, "a0", 1).await;
    for nth in 0..40 {
        deposit(&log, &format!("a{nth}"), 1).await;
    }
    views.faults.panics.store(true, SeqCst);
    views.open();
    let why = halted::<Eight>(&app).await;
    assert!(why.contains("panic"), "{why}");
    views.faults.panics.store(false, SeqCst);
    app.shutdown().await;
    let again = self::app::<Eight>(&log, &views.beside()).await;
    caught_up::<Eight>(&log, &views).await;
    again.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
}

#[tokio::test]
async fn more_applications_than_partitions_stand_by() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 4).await;
    let apps = [
        app::<Two>(&log, &views).await,
        app::<Two>(&log, &views.beside()).await,
        app::<Two>(&log, &views.beside()).await,
    ];
    eventually("two of them run a partition each, and one stands by", async || {
        let mut run = Vec::new();
        let mut standing_by = 0;
        for app in &apps {
            let health = health::<Two>(app).await;
            run.extend(runs::<Two>(app).await);
            standing_by += usize::from(matches!(health.state, ProjectionState::Standby { .. }));
        }
        run.sort();
        run == Partition::all(2).collect::<Vec<_>>() && standing_by == 1
    })
    .await;
    deposit(&log, "a1", 1).await;
    let head = log.head().await.unwrap();
    eventually("each of them sees how far it is", async || {
        let mut healths = Vec::new();
        for app in &apps {
            healths.push(health::<Two>(app).await);
        }
        healths.iter().all(|health| health.applied == head && health.is_well())
    })
    .await;
    for app in apps {
        app.shutdown().await;
    }
    assert_equals_a_fold_from_scratch::<Two>(&log, &views.inner).await;
}

#[test]
fn partitions_of_an_application_that_died_are_taken_over() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let (dying, living) = (runtime(), runtime());
    let died = dying.block_on(async {
        fill(&log, 30).await;
        let first = app::<Eight>(&log, &views).await;
        shared::<Eight>(&[&first], 8).await;
        first
    });
    // It leads, and nobody shuts it down.
    std::mem::forget(died);
    let second = living.block_on(app::<Eight>(&log, &views.beside()));
    // Both run for a while.
    let joined = std::thread::spawn({
        let (log, views) = (log.clone(), views.beside());
        move || {
            dying.block_on(async {
                deposit(&log, "a3", 7).await;
                caught_up::<Eight>(&log, &views).await;
                tokio::time::sleep(LEASE).await;
            });
            dying.shutdown_background();
        }
    });
    joined.join().unwrap();
    living.block_on(async {
        shared::<Eight>(&[&second], 8).await;
        deposit(&log, "a4", 8).await;
        caught_up::<Eight>(&log, &views).await;
        second.shutdown().await;
        assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
    });
}

#[tokio::test]
async fn a_query_waits_for_the_partition_of_its_document_and_a_list_for_all() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 40).await;
    let (slow, fast) = (views.clone(), views.beside());
    let first = app::<Eight>(&log, &slow).await;
    let second = app::<Eight>(&log, &fast).await;
    shared::<Eight>(&[&first, &second], 8).await;
    caught_up::<Eight>(&log, &views).await;
    let of_second = runs::<Eight>(&second).await;
    // The first one writes no more, but goes on to live.
    slow.shut();
    for nth in 0..40 {
        deposit(&log, &format!("a{nth}"), 1).await;
    }
    let token = Token::new(log.log_id(), log.head().await.unwrap());
    let readers = Views::new(views.inner.clone());
    let (mut fresh, mut late) = (0, 0);
    for nth in 0..40 {
        let id = format!("a{nth}");
        let within =
            if of_second.contains(&partition_of(&id, 8)) { Duration::from_secs(20) } else { Duration::ZERO };
        let answer = readers.view::<Eight>(&account(&*id)).at_least(&token).within(within).await;
        match answer {
            Ok(answer) => {
                assert_eq!(answer.as_ref().unwrap().amounts.len(), 2, "{id}");
                fresh += 1;
            }
            Err(QueryError::NotYetConsistent { .. }) => late += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(fresh > 5 && late > 5, "{fresh} are fresh, {late} late");
    let list = readers.views::<Eight>().at_least(&token).within(Duration::from_millis(200)).await;
    assert!(matches!(list, Err(QueryError::NotYetConsistent { .. })), "{list:?}");
    slow.open();
    let list =
        readers.views::<Eight>().limit(100).at_least(&token).within(Duration::from_secs(20)).await.unwrap();
    assert!(list.items.iter().all(|view| view.amounts.len() == 2));
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_list_of_a_divided_build_is_not_older_than_it_says() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 4).await;
    let app = app::<Eight>(&log, &views).await;
    caught_up::<Eight>(&log, &views).await;
    let slow = views.beside();
    let readers = Views::new(slow.clone());
    readers.views::<Eight>().await.unwrap();
    // How far the partitions are is asked for before, and answered after, the next event.
    slow.hold_up(|what| what.starts_with("lists builds"));
    let list = tokio::spawn(async move { readers.views::<Eight>().limit(100).await.unwrap() });
    eventually("the list is waited for", async || slow.faults.waiting.load(SeqCst) > 0).await;
    deposit(&log, "a1", 77).await;
    caught_up::<Eight>(&log, &views).await;
    slow.go_on();
    let list = list.await.unwrap();
    let shows_it = list.items.iter().any(|view| view.amounts.contains(&77));
    assert!(shows_it || list.provenance.applied < log.head().await.unwrap(), "{list:?}");
    app.shutdown().await;
}

/// Applications under which stores fail, stand still and die, while the log grows.
#[tokio::test]
async fn whatever_happens_to_applications_each_document_has_each_event_once_and_in_order() {
    for seed in 0..3 {
        let mut dice = Dice::new(seed);
        let (log, views) = (FaultyLog::new(), FaultyViews::new());
        fill(&log, 30).await;
        let mut apps: BTreeMap<u64, (App, FaultyViews)> = BTreeMap::new();
        for nth in 0..3 {
            let views = views.beside();
            apps.insert(nth, (app::<Eight>(&log, &views).await, views));
        }
        for round in 0..60 {
            for _ in 0..10 {
                deposit(&log, &format!("a{}", dice.roll(30)), round).await;
            }
            let nth = dice.roll(3);
            let (app_of, faulty) = &apps[&nth];
            match dice.roll(6) {
                0 => faulty.faults.chaos.lock().unwrap().replace(Dice::new(seed + round)).map_or((), drop),
                1 => drop(faulty.faults.chaos.lock().unwrap().take()),
                2 => {
                    faulty.faults.stands_still.send_replace(true);
                    faulty.shut();
                }
                3 | 4 => {
                    faulty.faults.stands_still.send_replace(false);
                    faulty.open();
                }
                _ => {
                    faulty.faults.stands_still.send_replace(false);
                    faulty.open();
                    app_of.shutdown().await;
                    let views = views.beside();
                    apps.insert(nth, (app::<Eight>(&log, &views).await, views));
                }
            }
            tokio::time::sleep(Duration::from_millis(dice.roll(60))).await;
        }
        for (_, faulty) in apps.values() {
            faulty.faults.chaos.lock().unwrap().take();
            faulty.faults.stands_still.send_replace(false);
            faulty.open();
        }
        caught_up::<Eight>(&log, &views).await;
        assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
        let all: Vec<&App> = apps.values().map(|(app, _)| app).collect();
        shared::<Eight>(&all, 8).await;
        for (app, _) in apps.values() {
            app.shutdown().await;
        }
    }
}

async fn parked(views: &FaultyViews, operator: &Operator) -> (Vec<Sequence>, u64) {
    let id = ProjectionId::of::<Eight>();
    let checkpoint = Views::new(views.inner.clone()).checkpoint::<Eight>().await.unwrap().unwrap();
    (operator.parked(&id).await.unwrap(), checkpoint.parked)
}

/// Starts another division of it, and stops the one before.
async fn divided_anew<P: Projection>(log: &FaultyLog, views: &FaultyViews, before: App, of: u16) -> App {
    let reads = log.faults.reads.lock().unwrap().len();
    let after = app::<P>(log, &views.beside()).await;
    before.shutdown().await;
    if of > 1 {
        shared::<P>(&[&after], of).await;
    }
    eventually("it runs", async || health::<P>(&after).await.state == ProjectionState::Live).await;
    let read = log.faults.reads.lock().unwrap()[reads..].iter().min().copied();
    assert!(read.is_none_or(|read| read > Position::ZERO), "the log was read anew");
    after
}

#[tokio::test]
async fn a_build_is_divided_anew_without_being_built_anew() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let operator = Operator::new(views.inner.clone(), "ada");
    fill(&log, 30).await;
    for id in ["a1", "a2", "a3"] {
        curse(&log, id).await;
        deposit(&log, id, 1).await;
    }
    let is_parked = ["a1", "a2", "a3"].map(|id| Sequence::Document(id.to_owned())).to_vec();
    let before = app::<One>(&log, &views).await;
    caught_up::<One>(&log, &views).await;
    assert_eq!(parked(&views, &operator).await, (is_parked.clone(), 6));
    let at = checkpoint::<One>(&views).await;

    let eight = divided_anew::<Eight>(&log, &views, before, 8).await;
    assert!(checkpoint::<Eight>(&views).await >= at);
    assert_eq!(parked(&views, &operator).await, (is_parked.clone(), 6));
    deposit(&log, "a1", 2).await;
    deposit(&log, "a9", 2).await;
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(parked(&views, &operator).await, (is_parked.clone(), 7));

    let two = divided_anew::<Two>(&log, &views, eight, 2).await;
    assert_eq!(parked(&views, &operator).await, (is_parked.clone(), 7));
    deposit(&log, "a2", 3).await;
    caught_up::<Two>(&log, &views).await;
    assert_eq!(parked(&views, &operator).await, (is_parked.clone(), 8));

    let one = divided_anew::<One>(&log, &views, two, 1).await;
    assert_eq!(parked(&views, &operator).await, (is_parked, 8));
    let builds = views.builds("spread").await.unwrap();
    let whole = builds.iter().filter(|build| build.id.partition.is_whole());
    assert_eq!(whole.count(), 1, "{builds:?}");

    let eight = divided_anew::<Eight>(&log, &views, one, 8).await;
    let _mended = Mended::new();
    operator.retry(&ProjectionId::of::<Eight>(), Parked::All, false).await.unwrap();
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(parked(&views, &operator).await, (vec![], 0));
    eight.shutdown().await;
    assert_equals_a_fold_from_scratch::<Eight>(&log, &views.inner).await;
}

#[tokio::test]
async fn an_operator_reaches_all_partitions_wherever_they_run() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    let third = app::<Eight>(&log, &views.beside()).await;
    let all = [&first, &second, &third];
    shared::<Eight>(&all, 8).await;
    for nth in 0..6 {
        curse(&log, &format!("a{nth}")).await;
        deposit(&log, &format!("a{nth}"), 1).await;
    }
    caught_up::<Eight>(&log, &views).await;
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    let letters = operator.dead_letters(&id, None, Position::ZERO, 5).await.unwrap();
    let positions: Vec<u64> = letters.iter().map(|letter| letter.position.get()).collect();
    assert_eq!(positions, [61, 62, 63, 64, 65]);

    operator.pause(&id).await.unwrap();
    let paused = async || {
        let mut states = Vec::new();
        for app in all {
            states.push(health::<Eight>(app).await.state);
        }
        states.iter().all(|state| *state == ProjectionState::Paused { by: "ada".to_owned() })
    };
    eventually("all of them stand still", paused).await;
    let at = checkpoint::<Eight>(&views).await;
    deposit(&log, "a20", 9).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(checkpoint::<Eight>(&views).await, at);
    operator.resume(&id).await.unwrap();
    caught_up::<Eight>(&log, &views).await;

    let sequence = Sequence::Document("a0".to_owned());
    let still = operator.retry(&id, sequence.clone(), false).await.unwrap();
    assert_eq!((still.retried, still.failing.len()), (0, 1), "{still:?}");
    let _mended = Mended::new();
    let dry = operator.retry(&id, Parked::All, true).await.unwrap();
    assert_eq!((dry.retried, dry.failing.len()), (12, 0), "{dry:?}");
    let one = operator.retry(&id, sequence, false).await.unwrap();
    assert_eq!((one.retried, one.failing.len()), (2, 0), "{one:?}");
    let skipped = operator.skip(&id, Sequence::Document("a1".to_owned()), "it is of no use").await.unwrap();
    assert_eq!((skipped.skipped, skipped.retried), (1, 1), "{skipped:?}");
    operator.retry(&id, Parked::All, false).await.unwrap();
    assert_eq!(parked(&views, &operator).await, (vec![], 0));
    // All of them share the partitions again.
    shared::<Eight>(&all, 8).await;
    deposit(&log, "a0", 3).await;
    caught_up::<Eight>(&log, &views).await;
    let amounts = async |id: &str| {
        let view = Views::new(views.inner.clone()).view::<Eight>(&account(id)).await.unwrap();
        view.as_ref().unwrap().amounts.clone()
    };
    assert_eq!(amounts("a0").await, [0, -7, 1, 3]);
    assert_eq!(amounts("a1").await, [1, 1]);
    assert_eq!(amounts("a2").await, [2, -7, 1]);
    for app in all {
        app.shutdown().await;
    }
}

#[tokio::test]
async fn a_rebuild_of_a_divided_build_switches_for_all_and_no_answer_goes_back() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    fill(&log, 30).await;
    let first = app::<Eight>(&log, &views).await;
    let second = app::<Eight>(&log, &views.beside()).await;
    shared::<Eight>(&[&first, &second], 8).await;
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (readers, stop) = (Views::new(views.inner.clone()), Arc::clone(&stop));
        async move {
            let mut last = [0; 30];
            let mut lists = Position::ZERO;
            while !stop.load(SeqCst) {
                for (nth, last) in last.iter_mut().enumerate() {
                    let answer = readers.view::<Eight>(&account(format!("a{nth}"))).await.unwrap();
                    let amounts = answer.as_ref().map_or(0, |view| view.amounts.len());
                    assert!(amounts >= *last, "an answer of a{nth} went back from {last} to {amounts}");
                    *last = amounts;
                }
                let list = readers.views::<Eight>().limit(100).await.unwrap();
                assert!(list.provenance.applied >= lists, "a list went back");
                lists = list.provenance.applied;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let id = ProjectionId::of::<Eight>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    for round in 0..3 {
        operator.rebuild(&id, Position::ZERO).await.unwrap();
        for nth in 0..60 {
            deposit(&log, &format!("a{}", nth % 30), round).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let wanted = id.generation(u32::try_from(round).unwrap() + 1);
        eventually("the rebuild answers", async || {
            Views::new(views.inner.clone()).build::<Eight>().await.unwrap() == wanted
        })
        .await;
        shared::<Eight>(&[&first, &second], 8).await;
    }
    caught_up::<Eight>(&log, &views).await;
    stop.store(true, SeqCst);
    asking.await.unwrap();
    first.shutdown().await;
    second.shutdown().await;
    let wanted = crate::scene::from_scratch::<Eight>(&log).await;
    let keys: Vec<String> = wanted.keys().cloned().collect();
    let stored = views.load(&id.generation(3), &keys).await.unwrap();
    assert_eq!(stored.len(), 30);
    for document in stored {
        let of_scratch = &wanted[&document.key];
        assert_eq!(
            document.data.map(|it| it.as_str().to_owned()),
            of_scratch.data.as_ref().map(|it| it.as_str().to_owned())
        );
    }
}

#[tokio::test]
async fn an_event_whose_documents_are_not_known_waits_in_each_partition() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let first = app::<Holdings>(&log, &views).await;
    let second = app::<Holdings>(&log, &views.beside()).await;
    shared::<Holdings>(&[&first, &second], 4).await;
    append(&log, &account_stream("x"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    append(&log, &account_stream("x"), &[("handed_over", r#"{"from":"ada","to":"broken"}"#)]).await;
    append(&log, &account_stream("x"), &[("handed_over", r#"{"from":"broken","to":"bob"}"#)]).await;
    append(&log, &account_stream("y"), &[("account_opened", r#"{"owner":"eve"}"#)]).await;
    caught_up::<Holdings>(&log, &views).await;
    let id = ProjectionId::of::<Holdings>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    assert_eq!(operator.parked(&id).await.unwrap(), [Sequence::Stream(account_stream("x"))]);
    let readers = Views::new(views.inner.clone());
    let accounts =
        async |id: &str| readers.view::<Holdings>(&owner(id)).await.unwrap().as_ref().map(|it| it.accounts);
    assert_eq!(
        (accounts("ada").await, accounts("bob").await, accounts("eve").await),
        (Some(1), None, Some(1))
    );
    let _mended = Mended::new();
    let report = operator.retry(&id, Parked::All, false).await.unwrap();
    assert_eq!((report.retried, report.failing), (2, vec![]));
    caught_up::<Holdings>(&log, &views).await;
    assert_eq!(operator.parked(&id).await.unwrap(), []);
    assert_eq!(
        (accounts("ada").await, accounts("broken").await, accounts("bob").await),
        (Some(11), Some(20), Some(10))
    );
    first.shutdown().await;
    second.shutdown().await;
    assert_equals_a_fold_from_scratch::<Holdings>(&log, &views.inner).await;
}

/// Nothing in the log has told of the document before that.
#[tokio::test]
async fn a_document_that_a_retry_has_made_is_looked_for() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = app::<Holdings>(&log, &views).await;
    shared::<Holdings>(&[&app], 4).await;
    append(&log, &account_stream("x"), &[("handed_over", r#"{"from":"ada","to":"broken"}"#)]).await;
    caught_up::<Holdings>(&log, &views).await;
    let id = ProjectionId::of::<Holdings>();
    let operator = Operator::new(views.inner.clone(), "ada").within(Duration::from_secs(30));
    let _mended = Mended::new();
    let report = operator.retry(&id, Parked::All, false).await.unwrap();
    assert_eq!((report.retried, report.failing), (1, vec![]));
    append(&log, &account_stream("y"), &[("account_opened", r#"{"owner":"broken"}"#)]).await;
    caught_up::<Holdings>(&log, &views).await;
    app.shutdown().await;
    assert_equals_a_fold_from_scratch::<Holdings>(&log, &views.inner).await;
}

#[tokio::test(start_paused = true)]
async fn a_watched_document_is_shown_also_while_another_partition_stands_still() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let slow = FaultyViews::over(views.inner.clone());
    let (first, second) = (app::<Two>(&log, &views).await, app::<Two>(&log, &slow).await);
    open(&log, 0..20).await;
    shared::<Two>(&[&first, &second], 2).await;
    caught_up::<Two>(&log, &views).await;
    let here = runs::<Two>(&first).await[0];
    let find = |is_here: bool| {
        let mut keys = (0..20).map(|nth| format!("a{nth}"));
        keys.find(|key| (Partition::of_key(key).among(2) == here) == is_here).unwrap()
    };
    let (key, other) = (find(true), find(false));
    let readers = Views::new(views.inner.clone());
    let mut live = readers.watch::<Two>(&account(&key));
    assert!(live.next().await.unwrap().unwrap().value.unwrap().amounts.is_empty());

    slow.shut();
    deposit(&log, &other, 1).await;
    eventually("the other one is held up", async || slow.faults.open.receiver_count() > 0).await;
    deposit(&log, &key, 1).await;
    let token = Token::new(log.log_id(), log.head().await.unwrap());
    let answer = tokio::time::timeout(Duration::from_secs(30), live.next()).await.expect("it is told");
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.value.as_ref().unwrap().amounts, [1]);
    assert_eq!(answer.provenance.applied, token.position(), "it is as fresh as its own partition");
    let mut later = readers.watch::<Two>(&account(&key)).at_least(&token);
    let answer = tokio::time::timeout(Duration::from_secs(30), later.next()).await.expect("it is as fresh");
    assert_eq!(answer.unwrap().unwrap().value.unwrap().amounts, [1]);
    let mut others = readers.watch::<Two>(&account(&other));
    assert!(others.next().await.unwrap().unwrap().value.unwrap().amounts.is_empty());
    slow.open();
    assert_eq!(others.next().await.unwrap().unwrap().value.unwrap().amounts, [1]);
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_one_document_notices_that_a_build_is_divided_anew() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    open(&log, 0..8).await;
    let readers = Views::new(views.inner.clone());
    let fresh = async || {
        deposit(&log, "a1", 1).await;
        let token = Token::new(log.log_id(), log.head().await.unwrap());
        let query = readers.view::<Eight>(&account("a1")).at_least(&token).within(Duration::from_secs(20));
        let answer = query.await.unwrap();
        assert!(answer.provenance.applied >= token.position());
        answer.value.unwrap().amounts.len()
    };
    let first = app::<Eight>(&log, &views).await;
    caught_up::<Eight>(&log, &views).await;
    assert_eq!(fresh().await, 1);
    first.shutdown().await;
    // Into fewer, and into one.
    let second = app::<Two>(&log, &views).await;
    assert_eq!(fresh().await, 2);
    second.shutdown().await;
    let third = app::<One>(&log, &views).await;
    assert_eq!(fresh().await, 3);
    third.shutdown().await;
    assert_equals_a_fold_from_scratch::<One>(&log, &views).await;
}
