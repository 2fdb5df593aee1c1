use std::{
    future::{IntoFuture, poll_fn},
    sync::atomic::Ordering::SeqCst,
    task::Poll,
    time::Duration,
};

use cqrs_core::{
    app::App,
    envelope::{LogId, Position, Token},
    query::{QueryError, Views},
    runtime::Lag,
};
use tokio::time::Instant;

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, by_hand, caught_up, eventually},
};

pub struct Scene {
    pub log: FaultyLog,
    pub views: FaultyViews,
    pub app: App,
    pub readers: Views,
}

impl Scene {
    pub async fn new() -> Self {
        let (log, views) = (FaultyLog::new(), FaultyViews::new());
        let app = App::builder(log.clone()).projection::<Balance>(views.clone()).build().await.unwrap();
        Self { readers: Views::new(views.clone()), log, views, app }
    }

    /// With one account, which is visible.
    pub async fn opened() -> Self {
        let scene = Self::new().await;
        scene.open("a", "ada").await;
        scene
    }

    pub async fn open(&self, id: &str, of: &str) -> Token {
        let receipt = self.app.execute(Open { account: account(id), owner: owner(of) }).await.unwrap();
        caught_up::<Balance>(&self.log, &self.views).await;
        receipt.token
    }

    /// Returns before it is visible.
    pub async fn deposit(&self, amount: i64) -> Token {
        self.app.execute(Deposit { account: account("a"), amount }).await.unwrap().token
    }
}

/// Lets all others go on until they have nothing left to do, and the future is polled; then it must be waiting.
pub async fn is_waiting<F: Future + Unpin>(future: &mut F) -> bool {
    for _ in 0..50 {
        let pending =
            poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())).await;
        if !pending {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

#[tokio::test(start_paused = true)]
async fn at_least_waits_until_the_view_holds_the_write() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let id = account("a");
    let mut in_app = scene.app.view::<Balance>(&id).at_least(&token).into_future();
    let mut alone = scene.readers.view::<Balance>(&id).at_least(&token).into_future();
    let mut page = scene.readers.views::<Balance>().at_least(&token).into_future();
    assert!(is_waiting(&mut in_app).await && is_waiting(&mut alone).await && is_waiting(&mut page).await);
    scene.views.open();
    for answer in [in_app.await.unwrap(), alone.await.unwrap()] {
        assert_eq!(answer.as_ref().unwrap().amount, 5);
        assert!(!answer.provenance.stale);
        assert_eq!((answer.provenance.applied, answer.provenance.token), (token.position(), token));
    }
    assert_eq!(page.await.unwrap().items[0].amount, 5);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_query_is_woken_by_the_commit_and_not_by_a_clock() {
    let scene = Scene::opened().await;
    let started = Instant::now();
    for round in 1..=200 {
        let token = scene.deposit(1).await;
        let id = account("a");
        let (one, other, all) = tokio::join!(
            scene.app.view::<Balance>(&id).at_least(&token).into_future(),
            scene.readers.view::<Balance>(&id).at_least(&token).into_future(),
            scene.app.views::<Balance>().latest().into_future(),
        );
        for amount in [one.unwrap().as_ref().unwrap().amount, other.unwrap().as_ref().unwrap().amount] {
            assert_eq!(amount, round);
        }
        assert_eq!(all.unwrap().items[0].amount, round);
        let in_time = scene.app.view::<Balance>(&id).max_lag(Duration::ZERO).await.unwrap();
        assert_eq!(in_time.as_ref().unwrap().amount, round);
    }
    // The clock only moves when nothing else can.
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_comes_while_the_answer_is_on_its_way_is_not_missed() {
    let scene = Scene::opened().await;
    let started = Instant::now();
    scene.views.shut();
    let token = scene.deposit(5).await;
    *scene.views.faults.late_answer.lock().unwrap() = Some(token.position());
    let id = account("a");
    let mut query = scene.readers.view::<Balance>(&id).at_least(&token).into_future();
    assert!(is_waiting(&mut query).await);
    scene.views.open();
    assert_eq!(query.await.unwrap().as_ref().unwrap().amount, 5);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_lag_of_nothing_is_met_by_the_commit_that_reaches_the_head() {
    let scene = Scene::opened().await;
    scene.views.shut();
    scene.deposit(5).await;
    let id = account("a");
    let mut query = scene.app.view::<Balance>(&id).max_lag(Duration::ZERO).into_future();
    assert!(is_waiting(&mut query).await);
    let started = Instant::now();
    scene.views.open();
    let answer = query.await.unwrap();
    assert_eq!((answer.as_ref().unwrap().amount, answer.provenance.lag), (5, Lag::default()));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_query_polls_no_documents() {
    let scene = Scene::opened().await;
    let id = account("a");
    let beyond = Token::new(scene.app.log_id(), Position::new(500));
    let gets = || scene.views.faults.gets.load(SeqCst);
    let (before, minute) = (gets(), Duration::from_mins(1));
    let mut in_app = scene.app.view::<Balance>(&id).at_least(&beyond).within(minute).into_future();
    let mut alone = scene.readers.view::<Balance>(&id).at_least(&beyond).within(minute).into_future();
    for _ in 0..100 {
        assert!(is_waiting(&mut in_app).await && is_waiting(&mut alone).await);
        scene.deposit(1).await;
        caught_up::<Balance>(&scene.log, &scene.views).await;
    }
    assert!(in_app.await.is_err() && alone.await.is_err());
    assert!(gets() - before <= 6, "{} reads of two queries", gets() - before);
}

#[tokio::test(start_paused = true)]
async fn when_time_is_up_the_error_says_how_far_the_projection_is() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    scene.deposit(5).await;
    let id = account("a");
    let within = Duration::from_millis(500);
    let in_app = scene.app.view::<Balance>(&id).at_least(&token).within(within).await.unwrap_err();
    let alone = scene.readers.views::<Balance>().at_least(&token).within(within).await.unwrap_err();
    for (error, known_head) in [(in_app, 3), (alone, 2)] {
        assert!(error.is_retryable());
        let QueryError::NotYetConsistent { projection, applied, head, lag, waited } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((projection.name.as_str(), applied.get(), head.get()), ("balance", 1, known_head));
        assert_eq!(lag.events, known_head - 1);
        assert!(*waited >= within && *waited < within * 2, "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_that_does_not_want_to_wait_is_answered_at_once() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let id = account("a");
    let started = Instant::now();
    let late = scene.app.view::<Balance>(&id).at_least(&token).within(Duration::ZERO).await;
    assert!(matches!(late, Err(QueryError::NotYetConsistent { .. })));
    assert!(scene.app.view::<Balance>(&id).await.unwrap().is_some());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_query_may_wait_for_as_long_as_can_be_said() {
    let scene = Scene::opened().await;
    let id = account("a");
    let answer = scene.app.view::<Balance>(&id).latest().within(Duration::MAX).await.unwrap();
    assert!(answer.is_some());
}

#[tokio::test(start_paused = true)]
async fn or_stale_answers_with_what_there_is_and_says_so() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let id = account("a");
    let stale = scene.app.view::<Balance>(&id).at_least(&token).or_stale().await.unwrap();
    assert!(stale.provenance.stale);
    assert_eq!((stale.as_ref().unwrap().amount, stale.provenance.applied.get()), (0, 1));
    assert_eq!((stale.provenance.head.get(), stale.provenance.lag.events), (2, 1));
    assert_eq!(stale.provenance.token.position().get(), 1);
    let page = scene.app.views::<Balance>().latest().or_stale().await.unwrap();
    assert!(page.provenance.stale && page.items.len() == 1);
    scene.views.open();
    let fresh = scene.app.view::<Balance>(&id).at_least(&token).or_stale().await.unwrap();
    assert!(!fresh.provenance.stale);
}

/// Without the log an `App` knows no more than a program that has none, and is no less available.
#[tokio::test(start_paused = true)]
async fn or_stale_answers_also_where_the_log_is_away() {
    let scene = Scene::opened().await;
    let id = account("a");
    for (away, is_silent) in [(true, false), (false, true)] {
        scene.log.faults.away.store(away, SeqCst);
        scene.log.faults.is_silent.store(is_silent, SeqCst);
        let started = tokio::time::Instant::now();
        let view = || scene.app.view::<Balance>(&id).within(Duration::from_secs(2)).or_stale();
        let latest = view().latest().await.unwrap();
        assert!(latest.provenance.stale && latest.is_some());
        let lagging = view().max_lag(Duration::ZERO).await.unwrap();
        assert!(lagging.provenance.stale && lagging.is_some());
        assert!(scene.app.fresh::<Balance>().latest().or_stale().await.unwrap().stale);
        assert!(started.elapsed() <= Duration::from_secs(6), "{:?}", started.elapsed());
    }
    scene.log.faults.is_silent.store(false, SeqCst);
    scene.log.faults.away.store(true, SeqCst);
    let refused = scene.app.view::<Balance>(&id).latest().await.unwrap_err();
    assert!(matches!(refused, QueryError::Store { .. }), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn or_live_folds_what_the_stored_view_lacks() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let mut token = scene.deposit(1).await;
    // More than one page of tail, all of it in order.
    for amount in 2..=450 {
        token = scene.deposit(amount).await;
    }
    let id = account("a");
    let live = scene.app.view::<Balance>(&id).at_least(&token).or_live().await.unwrap();
    let view = live.as_ref().unwrap();
    assert_eq!((view.amount, view.created.get(), view.applied.get()), (450 * 451 / 2, 1, 451));
    assert!(!live.provenance.stale);
    assert_eq!((live.provenance.applied.get(), live.provenance.lag), (451, Lag::default()));
    let stored = scene.app.view::<Balance>(&id).await.unwrap();
    assert_eq!(stored.as_ref().unwrap().amount, 0, "a live fold stores nothing");
    scene.views.open();
    let later = scene.app.view::<Balance>(&id).at_least(&token).await.unwrap();
    assert_eq!(later.value, live.value);
}

#[tokio::test(start_paused = true)]
async fn or_live_folds_a_view_that_is_not_stored_yet_and_one_that_is_removed() {
    let scene = Scene::opened().await;
    scene.app.execute(Close { account: account("a") }).await.unwrap();
    caught_up::<Balance>(&scene.log, &scene.views).await;
    scene.views.shut();
    let (a, b) = (account("a"), account("b"));
    scene.app.execute(Open { account: b.clone(), owner: owner("bob") }).await.unwrap();
    let new = scene.app.view::<Balance>(&b).latest().or_live().await.unwrap().into_value().unwrap();
    assert_eq!((new.owner.as_str(), new.created.get()), ("bob", 3));
    assert!(scene.app.view::<Balance>(&a).latest().or_live().await.unwrap().is_none());
    assert!(scene.app.view::<Balance>(&account("c")).latest().or_live().await.unwrap().is_none());
    scene.app.execute(Open { account: a.clone(), owner: owner("eve") }).await.unwrap();
    let again = scene.app.view::<Balance>(&a).latest().or_live().await.unwrap().into_value().unwrap();
    assert_eq!((again.owner.as_str(), again.created.get()), ("eve", 4));
    scene.app.execute(Close { account: b.clone() }).await.unwrap();
    assert!(scene.app.view::<Balance>(&b).latest().or_live().await.unwrap().is_none());
    // What is stored is asked for only while nothing better comes.
    scene.views.open();
    let stored = scene.app.view::<Balance>(&a).latest().or_live().await.unwrap().into_value().unwrap();
    assert_eq!(stored, again);
}

#[tokio::test(start_paused = true)]
async fn or_live_passes_over_ignored_events_as_the_projection_does() {
    let scene = Scene::opened().await;
    scene.views.shut();
    scene.deposit(5).await;
    append(&scene.log, &account_stream("a"), &[("noted", "5")]).await;
    let id = account("a");
    let live = scene.app.view::<Balance>(&id).latest().or_live().await.unwrap();
    scene.views.open();
    let stored = scene.app.view::<Balance>(&id).latest().await.unwrap();
    assert_eq!(live.value, stored.value);
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_live_answer_covers_all_that_is_in_it() {
    let scene = Scene::opened().await;
    scene.views.shut();
    scene.deposit(5).await;
    // Written after the query has looked for the head.
    let rival = by_hand(&account_stream("a"), &[("deposited", r#"{"units":1}"#)]);
    *scene.log.faults.before_read_stream.lock().unwrap() = Some(rival);
    let id = account("a");
    let live = scene.app.view::<Balance>(&id).latest().or_live().await.unwrap();
    let view = live.as_ref().unwrap();
    assert_eq!((view.amount, view.applied.get()), (105, 3));
    assert!(live.provenance.token.position() >= view.applied, "{:?}", live.provenance);
    assert!(live.provenance.head >= live.provenance.applied);
}

#[tokio::test(start_paused = true)]
async fn or_live_does_not_claim_what_the_log_itself_does_not_have() {
    let scene = Scene::opened().await;
    let beyond = Token::new(scene.app.log_id(), Position::new(9));
    let lost = scene.app.view::<Balance>(&account("a")).at_least(&beyond).or_live().await;
    let Err(QueryError::NotYetConsistent { applied, head, .. }) = lost else { panic!("{lost:?}") };
    assert_eq!((applied.get(), head.get()), (1, 9));
}

#[tokio::test(start_paused = true)]
async fn or_live_names_an_event_that_it_can_not_read() {
    let scene = Scene::opened().await;
    scene.views.shut();
    append(&scene.log, &account_stream("a"), &[("frozen", "{}")]).await;
    let unread = scene.app.view::<Balance>(&account("a")).latest().or_live().await;
    assert!(matches!(unread, Err(QueryError::Decode { position, .. }) if position.get() == 2));
}

#[tokio::test(start_paused = true)]
async fn latest_holds_all_that_was_acknowledged_before() {
    let scene = Scene::opened().await;
    let id = account("a");
    for round in 1..=20 {
        scene.deposit(1).await;
        let in_app = scene.app.view::<Balance>(&id).latest().await.unwrap();
        assert_eq!(in_app.as_ref().unwrap().amount, round);
    }
    for round in 21..=40 {
        scene.deposit(1).await;
        let alone = scene.readers.view::<Balance>(&id).latest().await.unwrap();
        assert_eq!(alone.as_ref().unwrap().amount, round);
        assert_eq!(scene.readers.views::<Balance>().latest().await.unwrap().items[0].amount, round);
    }
    scene.views.shut();
    scene.deposit(1).await;
    let late = scene.readers.view::<Balance>(&id).latest().await;
    assert!(matches!(late, Err(QueryError::NotYetConsistent { .. })));
}

#[tokio::test(start_paused = true)]
async fn latest_of_an_empty_log_is_nothing() {
    let scene = Scene::new().await;
    assert!(scene.app.view::<Balance>(&account("a")).latest().await.unwrap().is_none());
    assert!(scene.readers.view::<Balance>(&account("a")).latest().await.unwrap().is_none());
}

#[tokio::test]
async fn max_lag_takes_a_view_within_it_and_no_older_one() {
    let scene = Scene::opened().await;
    let (id, hour) = (account("a"), Duration::from_hours(1));
    scene.views.shut();
    scene.deposit(5).await;
    let wanted = jiff::Timestamp::now();
    // An hour's lag is fine at once, in an application and alone.
    assert!(!scene.app.view::<Balance>(&id).max_lag(hour).await.unwrap().provenance.stale);
    assert!(!scene.readers.view::<Balance>(&id).max_lag(hour).await.unwrap().provenance.stale);
    eventually("the clock moves on", async || jiff::Timestamp::now() > wanted).await;
    let within = Duration::from_millis(5);
    let in_app = scene.app.view::<Balance>(&id).max_lag(Duration::ZERO).within(within).await;
    let alone = scene.readers.view::<Balance>(&id).max_lag(Duration::ZERO).within(within).await;
    for late in [in_app, alone] {
        let Err(QueryError::NotYetConsistent { lag, .. }) = late else { panic!("{late:?}") };
        assert!(lag.time > Duration::ZERO);
    }
    scene.views.open();
    caught_up::<Balance>(&scene.log, &scene.views).await;
    // At the head there is no lag, however long ago the last heartbeat was.
    let in_app = scene.app.view::<Balance>(&id).max_lag(Duration::ZERO).await.unwrap();
    assert_eq!(in_app.as_ref().unwrap().amount, 5);
    // Alone, the heartbeats of an idle projection are proof.
    let alone = scene.readers.view::<Balance>(&id).max_lag(Duration::from_secs(5)).await.unwrap();
    assert!(alone.provenance.lag.time <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_log_is_refused() {
    let scene = Scene::opened().await;
    let foreign = Token::new(LogId::generate(), Position::new(1));
    let id = account("a");
    let refused = [
        scene.app.view::<Balance>(&id).at_least(&foreign).or_stale().await.unwrap_err(),
        scene.app.view::<Balance>(&id).at_least(&foreign).or_live().await.unwrap_err(),
        scene.readers.view::<Balance>(&id).at_least(&foreign).await.unwrap_err(),
        scene.readers.views::<Balance>().at_least(&foreign).await.unwrap_err(),
    ];
    for error in refused {
        let QueryError::ForeignToken { token, log } = &error else { panic!("{error:?}") };
        assert_eq!((*token, *log), (foreign.log(), scene.app.log_id()));
        assert!(!error.is_retryable());
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_an_answer_makes_the_next_one_no_older() {
    let scene = Scene::new().await;
    let id = account("a");
    let nothing = scene.readers.view::<Balance>(&id).await.unwrap().provenance.token;
    assert!(scene.readers.view::<Balance>(&id).at_least(&nothing).await.unwrap().is_none());
    assert!(scene.app.view::<Balance>(&id).at_least(&nothing).await.unwrap().is_none());
    scene.open("a", "ada").await;
    let mut token = nothing;
    let mut amount = 0;
    for _ in 0..50 {
        scene.deposit(1).await;
        tokio::task::yield_now().await;
        let answer = scene.readers.view::<Balance>(&id).at_least(&token).await.unwrap();
        let seen = answer.as_ref().unwrap();
        assert!(seen.amount >= amount);
        assert!(answer.provenance.token.position() >= seen.applied);
        (token, amount) = (answer.provenance.token, seen.amount);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_store_that_is_away_is_a_retryable_error() {
    let scene = Scene::opened().await;
    scene.views.faults.away.store(true, SeqCst);
    let error = scene.app.view::<Balance>(&account("a")).await.unwrap_err();
    assert!(matches!(error, QueryError::Store(_)) && error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_query_only_application_waits_for_what_another_one_projects() {
    let scene = Scene::opened().await;
    let reader =
        App::builder(scene.log.clone()).query_only::<Balance>(scene.views.clone()).build().await.unwrap();
    assert!(reader.health().await.projections.is_empty());
    let token = scene.deposit(5).await;
    let answer = reader.view::<Balance>(&account("a")).at_least(&token).await.unwrap();
    assert_eq!(answer.as_ref().unwrap().amount, 5);
    assert_eq!(reader.views_of::<Balance>().unwrap().views::<Balance>().await.unwrap().items.len(), 1);
    assert!(reader.views_of::<Portfolio>().is_none());
}
