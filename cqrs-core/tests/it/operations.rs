//! What an operator asks of projections that run.

use cqrs_core::{
    app::App,
    envelope::{Json, Position},
    event_handler, handlers,
    operations::{OperateError, Operation, Operator, Parked, Report, RequestOutcome},
    runtime::{ProjectionState, RuntimeOptions},
    store::{DeadLetter, EventStore as _, ProjectionId, Reason, Sequence, ViewStore as _},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    ledger::Ledger,
    scene::{
        Mended, account_stream, append, assert_equals_a_fold_from_scratch, assert_mended, caught_up,
        eventually, halted, health,
    },
};

macro_rules! broken_account {
    ($type:ident, $name:literal, $policy:literal) => {
        #[derive(cqrs_core::Projection, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[projection(name = $name, events(AccountEvent), on_error = $policy)]
        struct $type {
            amounts: Vec<i64>,
            label: serde_json::Value,
        }

        #[handlers(ignore(Noted, HandedOver, AccountClosed))]
        impl $type {
            #[event_handler]
            fn on_opened(_: &AccountOpened) -> Self {
                Self { amounts: Vec::new(), label: serde_json::Value::Null }
            }

            #[event_handler]
            fn on_deposited(&mut self, event: &Deposited) {
                // The stored version has them in units.
                self.amounts.push(event.amount / 100);
            }

            #[event_handler]
            fn on_labelled(&mut self, event: &Labelled) {
                self.label = event.label.clone();
            }

            #[event_handler]
            fn on_cursed(&mut self, _: &Cursed) {
                self.amounts.push(-7);
                assert_mended();
            }
        }
    };
}

broken_account!(Parks, "parks", "park");
broken_account!(Halts, "halts", "halt");
broken_account!(Retries, "retries", "retry");

struct Scene {
    log: FaultyLog,
    views: FaultyViews,
    app: App,
    operator: Operator,
}

impl Scene {
    async fn new() -> Self {
        Self::over(FaultyViews::new(), RuntimeOptions::default()).await
    }

    async fn over(views: FaultyViews, options: RuntimeOptions) -> Self {
        let log = FaultyLog::new();
        let app = Self::start(&log, &views, options).await;
        // As a tool in another process has it: the read store, and nothing else.
        let operator = Operator::new(views.inner.clone(), "ada");
        let scene = Self { log, views, app, operator };
        for id in ["a", "b"] {
            append(&scene.log, &account_stream(id), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
        }
        scene
    }

    async fn start(log: &FaultyLog, views: &FaultyViews, options: RuntimeOptions) -> App {
        App::builder(log.clone()).projection::<Parks>(views.clone()).runtime(options).build().await.unwrap()
    }

    async fn deposit(&self, id: &str, amount: i64) {
        append(&self.log, &account_stream(id), &[("deposited", &format!(r#"{{"units":{amount}}}"#))]).await;
    }

    async fn curse(&self, id: &str) {
        append(&self.log, &account_stream(id), &[("cursed", "{}")]).await;
    }

    async fn amounts(&self, id: &str) -> Vec<i64> {
        caught_up::<Parks>(&self.log, &self.views).await;
        self.app.view::<Parks>(&account(id)).await.unwrap().as_ref().unwrap().amounts.clone()
    }

    async fn letters(&self) -> Vec<DeadLetter> {
        caught_up::<Parks>(&self.log, &self.views).await;
        self.operator.dead_letters(&id(), None, Position::ZERO, 1_000).await.unwrap()
    }
}

fn id() -> ProjectionId {
    ProjectionId::of::<Parks>()
}

fn of(key: &str) -> Sequence {
    Sequence::Document(key.to_owned())
}

fn report(report: &Report) -> (u64, u64, Vec<u64>) {
    let failing = report.failing.iter().map(|failing| failing.position.get()).collect();
    (report.retried, report.skipped, failing)
}

#[tokio::test(start_paused = true)]
async fn parked_events_are_folded_in_in_order_once_the_handler_is_mended() {
    let scene = Scene::new().await;
    scene.deposit("a", 1).await;
    scene.curse("a").await;
    for amount in 2..30 {
        scene.deposit("a", amount).await;
        scene.deposit("b", amount).await;
    }
    assert_eq!(scene.amounts("a").await, [1]);
    assert_eq!(scene.amounts("b").await, (2..30).collect::<Vec<_>>(), "other documents go on");
    let parked = scene.letters().await;
    assert_eq!(parked.len(), 29);
    assert_eq!((parked[0].attempts, parked[1].attempts), (1, 0));
    assert_eq!(scene.operator.parked(&id()).await.unwrap(), [of("a")]);

    // In vain: it counts, and says why.
    let vain = scene.operator.retry(&id(), of("a"), false).await.unwrap();
    assert_eq!(report(&vain), (0, 0, vec![4]));
    assert!(vain.failing[0].error.contains("the handler is broken"), "{vain:?}");
    let letters = scene.letters().await;
    assert_eq!((letters.len(), letters[0].attempts), (29, 2));
    assert!(letters[0].tried_at > letters[0].parked_at);

    let _mended = Mended::new();
    let would = scene.operator.retry(&id(), Parked::All, true).await.unwrap();
    assert_eq!(report(&would), (29, 0, vec![]));
    assert_eq!(scene.letters().await, letters, "a dry run changes nothing");
    assert_eq!(scene.amounts("a").await, [1]);

    let done = scene.operator.retry(&id(), Parked::All, false).await.unwrap();
    assert_eq!(report(&done), (29, 0, vec![]));
    assert_eq!(scene.letters().await, []);
    assert!(health::<Parks>(&scene.app).await.is_well());
    scene.deposit("a", 99).await;
    let amounts: Vec<i64> = [1, -7].into_iter().chain(2..30).chain([99]).collect();
    assert_eq!(scene.amounts("a").await, amounts);
    assert_equals_a_fold_from_scratch::<Parks>(&scene.log, &scene.views).await;
}

#[tokio::test(start_paused = true)]
async fn a_sequence_of_thousands_is_folded_in() {
    let scene = Scene::new().await;
    scene.curse("a").await;
    let deposit = ("deposited", r#"{"units":1}"#);
    for _ in 0..12 {
        append(&scene.log, &account_stream("a"), &[deposit; 100]).await;
    }
    caught_up::<Parks>(&scene.log, &scene.views).await;
    let _mended = Mended::new();
    let done = scene.operator.retry(&id(), of("a"), false).await.unwrap();
    assert_eq!(report(&done), (1_201, 0, vec![]));
    assert_equals_a_fold_from_scratch::<Parks>(&scene.log, &scene.views).await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_goes_as_far_as_it_can() {
    let scene = Scene::new().await;
    append(&scene.log, &account_stream("a"), &[("deposited", r#""nonsense""#)]).await;
    scene.deposit("a", 1).await;
    assert_eq!(scene.letters().await.len(), 2);
    // What can't be read never can.
    let done = scene.operator.retry(&id(), of("a"), false).await.unwrap();
    assert_eq!(report(&done), (0, 0, vec![3]));
    scene.curse("a").await;
    scene.deposit("a", 2).await;
    assert_eq!(scene.letters().await.len(), 4);
    let skipped = scene.operator.skip(&id(), of("a"), "a test of ours").await.unwrap();
    assert_eq!(report(&skipped), (1, 1, vec![5]));
    assert_eq!(scene.amounts("a").await, [1]);
    let letters = scene.letters().await;
    assert_eq!(letters.iter().map(|letter| letter.position.get()).collect::<Vec<_>>(), [5, 6]);
    assert!(matches!(letters[0].reason, Reason::Failed(_)), "what only queued has failed now: {letters:?}");
    assert_eq!(letters[0].attempts, 1);
    // The record says who gave what up, and why.
    let requests = scene.operator.requests(&id()).await.unwrap();
    let asked = &requests.last().unwrap().asked;
    let events = vec![(of("a"), Position::new(3))];
    let operation = Operation::Skip { events, reason: "a test of ours".to_owned() };
    assert_eq!((&asked.operation, &*asked.by), (&operation, "ada"));
    assert_eq!(asked.outcome, Some(RequestOutcome::Done(skipped)));
    assert_eq!(asked.taken_by.as_ref().unwrap().process, std::process::id());
    assert!(asked.ended_at.unwrap() >= asked.at);
    let unknown = scene.operator.skip(&id(), of("nobody"), "none").await;
    assert!(matches!(unknown, Err(OperateError::Refused { reason, .. }) if reason.contains("nobody")));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_what_was_seen_however_often_it_is_asked_for() {
    let scene = Scene::new().await;
    for units in 1..4 {
        scene.curse("a").await;
        scene.deposit("a", units).await;
    }
    let seen = scene.letters().await;
    assert_eq!(seen.len(), 6);
    // Two have looked at the same list, and one of them asks twice.
    scene.operator.skip(&id(), &seen[0], "it is cursed").await.unwrap();
    for _ in 0..2 {
        let again = scene.operator.skip(&id(), &seen[0], "it is cursed").await;
        let position = seen[0].position.to_string();
        assert!(
            matches!(&again, Err(OperateError::Refused { reason, .. }) if reason.contains(&position)),
            "{again:?}"
        );
    }
    // Not the first one.
    let another = scene.operator.skip(&id(), &seen[4], "it is cursed").await;
    assert!(matches!(another, Err(OperateError::Refused { .. })), "{another:?}");
    let left: Vec<_> = scene.letters().await.iter().map(|letter| letter.position).collect();
    assert_eq!(left, seen[2..].iter().map(|letter| letter.position).collect::<Vec<_>>());
    let none = scene.operator.skip(&id(), of("b"), "nothing is there").await;
    assert!(matches!(none, Err(OperateError::Refused { .. })), "{none:?}");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_the_store_does_not_take_stays_parked_where_it_grows_too_large() {
    let mut views = FaultyViews::new();
    views.inner = views.inner.max_document_bytes(200);
    let scene = Scene::over(views, RuntimeOptions::default()).await;
    scene.curse("a").await;
    for amount in 1..6 {
        scene.deposit("a", amount).await;
    }
    let large = Json::of(&serde_json::json!({ "label": "x".repeat(300) })).unwrap();
    append(&scene.log, &account_stream("a"), &[("labelled", large.as_str())]).await;
    scene.deposit("a", 6).await;
    assert_eq!(scene.letters().await.len(), 8);
    let _mended = Mended::new();
    let done = scene.operator.retry(&id(), of("a"), false).await.unwrap();
    assert_eq!(report(&done), (6, 0, vec![9]));
    assert!(done.failing[0].error.contains("200"), "{done:?}");
    assert_eq!(scene.amounts("a").await, [-7, 1, 2, 3, 4, 5]);
    assert_eq!(scene.letters().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_could_not_be_read_is_folded_in_unless_its_documents_have_gone_on() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let damaged = ["a", "b"].map(account_stream);
    log.faults.edit_page.lock().unwrap().replace(Box::new(move |page| {
        for event in page.events.iter_mut().filter(|event| damaged.contains(&event.stream)) {
            event.data = Json::from_text("7".to_owned()).unwrap();
        }
    }));
    let app = App::builder(log.clone()).projection::<Portfolio>(views.clone()).build().await.unwrap();
    for (id, owner) in [("a", "ada"), ("b", "bob"), ("c", "bob")] {
        append(&log, &account_stream(id), &[("account_opened", &format!(r#"{{"owner":"{owner}"}}"#))]).await;
    }
    caught_up::<Portfolio>(&log, &views).await;
    let operator = Operator::new(views.clone(), "ada");
    let id = ProjectionId::of::<Portfolio>();
    assert_eq!(operator.parked(&id).await.unwrap().len(), 2);
    let done = operator.retry(&id, Parked::All, false).await.unwrap();
    assert_eq!(report(&done), (1, 0, vec![2]));
    assert!(done.failing[0].error.contains("later events of other streams"), "{done:?}");
    let ada = app.view::<Portfolio>(&owner("ada")).await.unwrap().into_value().unwrap();
    assert_eq!(ada.events, 1);
    let bob = app.view::<Portfolio>(&owner("bob")).await.unwrap().into_value().unwrap();
    assert_eq!((bob.events, bob.applied.get()), (1, 3), "it has what it had");
}

#[tokio::test(start_paused = true)]
async fn a_paused_projection_stands_still_until_it_is_resumed_also_after_a_restart() {
    let scene = Scene::new().await;
    scene.deposit("a", 1).await;
    assert_eq!(scene.amounts("a").await, [1]);
    scene.operator.pause(&id()).await.unwrap();
    let paused = ProjectionState::Paused { by: "ada".to_owned() };
    eventually("it stands still", async || health::<Parks>(&scene.app).await.state == paused).await;
    let before = scene.views.checkpoint(&id()).await.unwrap().unwrap().position;
    scene.deposit("a", 2).await;
    scene.app.shutdown().await;
    let again = Scene::start(&scene.log, &scene.views, RuntimeOptions::default()).await;
    eventually("it still stands still", async || health::<Parks>(&again).await.state == paused).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let late = health::<Parks>(&again).await;
    assert_eq!((late.applied, late.lag.events), (before, 1));
    assert!(!late.is_well());
    scene.operator.resume(&id()).await.unwrap();
    assert_eq!(scene.amounts("a").await, [1, 2]);
    eventually("it runs", async || health::<Parks>(&again).await.state == ProjectionState::Live).await;
}

#[tokio::test(start_paused = true)]
async fn a_projection_halts_instead_of_parking_the_world_and_goes_on_when_it_is_resumed() {
    let scene = Scene::over(FaultyViews::new(), RuntimeOptions::default().max_parked(1)).await;
    scene.curse("a").await;
    assert_eq!(scene.letters().await.len(), 1);
    let position = scene.views.checkpoint(&id()).await.unwrap().unwrap().position;
    scene.curse("b").await;
    let reason = halted::<Parks>(&scene.app).await;
    for part in ["2 sequences", "limit is 1", "the handler is broken", "`cursed`"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert_eq!(scene.views.checkpoint(&id()).await.unwrap().unwrap().position, position);
    let _mended = Mended::new();
    scene.operator.resume(&id()).await.unwrap();
    assert_eq!(scene.amounts("b").await, [-7], "nothing was lost");
    scene.operator.retry(&id(), Parked::All, false).await.unwrap();
    assert_equals_a_fold_from_scratch::<Parks>(&scene.log, &scene.views).await;
}

#[tokio::test(start_paused = true)]
async fn a_projection_halts_or_tries_again_where_it_says_so() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = App::builder(log.clone())
        .projection::<Halts>(views.clone())
        .projection::<Retries>(views.clone())
        .build()
        .await
        .unwrap();
    append(&log, &account_stream("a"), &[("account_opened", r#"{"owner":"ada"}"#), ("cursed", "{}")]).await;
    let reason = halted::<Halts>(&app).await;
    assert!(reason.contains("the handler is broken"), "{reason}");
    let tries = async || match health::<Retries>(&app).await.state {
        ProjectionState::Retrying { error, attempts } => {
            assert!(error.contains("the handler is broken"), "{error}");
            attempts > 2
        }
        _ => false,
    };
    eventually("it tries again and again", tries).await;
    let _mended = Mended::new();
    caught_up::<Retries>(&log, &views).await;
    let operator = Operator::new(views.clone(), "ada");
    operator.resume(&ProjectionId::of::<Halts>()).await.unwrap();
    caught_up::<Halts>(&log, &views).await;
    assert_equals_a_fold_from_scratch::<Halts>(&log, &views).await;
    assert_equals_a_fold_from_scratch::<Retries>(&log, &views).await;
    for id in [ProjectionId::of::<Halts>(), ProjectionId::of::<Retries>()] {
        assert_eq!(operator.dead_letters(&id, None, Position::ZERO, 9).await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_writes_by_itself_is_rewound_and_one_with_documents_is_not() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let app = ledger.app(&log, 100).await;
    for amount in ["1", "2"] {
        append(&log, &account_stream("a"), &[("deposited", &format!(r#"{{"units":{amount}}}"#))]).await;
    }
    ledger.caught_up(&log).await;
    let operator = Operator::new(ledger.0.views.clone(), "ada");
    operator.rewind(&Ledger::id(), Position::new(1)).await.unwrap();
    let twice = async || ledger.sums().await.values().any(|line| *line == [100, 200, 200]);
    eventually("the second one is applied again", twice).await;
    ledger.caught_up(&log).await;
    let forwards = operator.rewind(&Ledger::id(), Position::new(2)).await;
    assert!(matches!(forwards, Err(OperateError::Refused { reason, .. }) if reason.contains("position 2")));
    let dry = operator.retry(&Ledger::id(), Parked::All, true).await;
    assert!(matches!(dry, Err(OperateError::Refused { reason, .. }) if reason.contains("no dry run")));
    app.shutdown().await;

    let scene = Scene::new().await;
    let refused = scene.operator.rewind(&id(), Position::ZERO).await;
    assert!(matches!(refused, Err(OperateError::Refused { reason, .. }) if reason.contains("build it anew")));
}

#[tokio::test(start_paused = true)]
async fn parked_events_of_a_projection_that_writes_by_itself_are_tried_again() {
    let (log, ledger) = (FaultyLog::new(), Ledger::new());
    let _app = ledger.app(&log, 100).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":1}"#), ("cursed", "{}")]).await;
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":2}"#)]).await;
    ledger.caught_up(&log).await;
    let operator = Operator::new(ledger.0.views.clone(), "ada");
    let vain = operator.retry(&Ledger::id(), Parked::All, false).await.unwrap();
    assert_eq!(report(&vain), (0, 0, vec![2]));
    let letters = operator.dead_letters(&Ledger::id(), None, Position::ZERO, 9).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [2, 0]);
    let skipped = operator.skip(&Ledger::id(), Parked::All, "a curse").await.unwrap();
    assert_eq!(report(&skipped), (1, 1, vec![]));
    assert!(ledger.sums().await.values().any(|line| *line == [100, 200]));
    append(&log, &account_stream("a"), &[("deposited", r#"{"units":3}"#)]).await;
    ledger.caught_up(&log).await;
    assert!(ledger.sums().await.values().any(|line| *line == [100, 200, 300]), "it goes on in order");
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_whoever_runs_the_projection() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let operator = Operator::new(views.clone(), "ada").within(std::time::Duration::from_millis(200));
    let pending = operator.pause(&id()).await;
    let Err(OperateError::Pending { id: request, .. }) = pending else { panic!("{pending:?}") };
    let app = Scene::start(&log, &views, RuntimeOptions::default()).await;
    let operator = operator.within(std::time::Duration::from_mins(1));
    operator.outcome(&id(), request).await.unwrap();
    let paused = ProjectionState::Paused { by: "ada".to_owned() };
    eventually("it stands still", async || health::<Parks>(&app).await.state == paused).await;
    let unknown = operator.outcome(&id(), uuid::Uuid::nil()).await;
    assert!(matches!(unknown, Err(OperateError::Unknown { .. })));
    for _ in 0..120 {
        operator.ask(&id(), Operation::Resume).await.unwrap();
    }
    let last = operator.ask(&id(), Operation::Pause).await.unwrap();
    operator.outcome(&id(), last).await.unwrap();
    eventually("the oldest are forgotten", async || operator.requests(&id()).await.unwrap().len() == 100)
        .await;
    assert_eq!(log.head().await.unwrap(), Position::ZERO);
}
