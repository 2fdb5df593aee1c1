//! Projections with hand-written SQL.

mod faults;
mod ledger;
mod preparing;
mod processes;
mod scene;

use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Position,
    memory::MemoryEventStore,
    query::Views,
    store::{
        BatchError, BatchProjection, Checkpoint, Commit, CommitError, EventFilter, EventStore, Standing,
    },
};
use cqrs_postgres::{
    SqlProjection,
    sqlx::{self, AssertSqlSafe},
};

use self::{
    ledger::Ledger,
    scene::{append, deposit, eventually},
};
use crate::server::{Schema, connect};

fn log() -> Arc<dyn EventStore> {
    Arc::new(MemoryEventStore::new())
}

#[tokio::test]
async fn what_it_writes_is_there_when_its_freshness_is_confirmed() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    let app = ledger.app(&log, 100).await;
    let alone = Views::new(ledger.schema.connect_views().await);
    let total = format!("SELECT total FROM \"{}\".sums", ledger.schema.0);
    let db = &mut connect().await;
    for round in 1..=50 {
        let position = append(&*log, &[deposit("a", 1)]).await;
        let fresh = if round % 2 == 0 {
            app.fresh_of(&Ledger::id()).latest().await.unwrap()
        } else {
            let token = cqrs_core::envelope::Token::new(log.log_id(), position);
            alone.fresh_of(&Ledger::id()).at_least(&token).await.unwrap()
        };
        assert_eq!(fresh.applied, position);
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(total.clone())).fetch_one(&mut *db).await.unwrap();
        assert_eq!(found, round);
    }
    // Heartbeats go on when nothing happens.
    let idle = alone.fresh_of(&Ledger::id()).max_lag(Duration::from_millis(100)).await.unwrap();
    assert!(idle.lag.time <= Duration::from_millis(100));
    ledger.assert_nothing_is_parked().await;
}

#[tokio::test]
async fn it_is_given_just_what_it_subscribes_to_in_batches() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("a", 1), ("b", "given", r#"{"amount":2}"#.to_owned()), deposit("c", 3)]).await;
    // Of gifts, it takes just one of the events.
    append(&*log, &[("b", "wrapped", "{}".to_owned())]).await;
    let app = ledger.app(&log, 100).await;
    ledger.assert_as_the_log(&*log).await;
    app.shutdown().await;
    assert_eq!(*ledger.seen.batches.lock().unwrap(), [[1, 2, 3]]);
}

#[tokio::test]
async fn a_batch_that_comes_again_is_refused_before_its_code_runs() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("a", 1), deposit("b", 2)]).await;
    let page = log.read_log(Position::ZERO, &EventFilter::ALL, 10).await.unwrap();
    let checkpoint = Checkpoint {
        log: log.log_id(),
        position: page.through,
        last: page.last,
        diverged: false,
        head: page.head,
        as_of: jiff::Timestamp::now(),
        parked: 0,
        fence: 0,
        standing: Standing::Live,
        partitions: 1,
    };
    let commit = Commit::of(Position::ZERO, checkpoint);
    let hand_written = ledger.hand_written().await;
    hand_written.prepare().await.unwrap();
    hand_written.apply(&page.events, commit.clone()).await.unwrap();
    let again = hand_written.apply(&page.events, commit).await.unwrap_err();
    let BatchError::Commit(CommitError::Superseded { actual, .. }) = again else { panic!("{again}") };
    assert_eq!(actual, Position::new(2));
    assert_eq!(ledger.seen.batches.lock().unwrap().len(), 1);
    ledger.assert_as_the_log(&*log).await;
}

#[tokio::test]
async fn a_batch_with_an_older_fence_is_refused_before_its_code_runs() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("a", 1), deposit("b", 2)]).await;
    let page = log.read_log(Position::ZERO, &EventFilter::ALL, 10).await.unwrap();
    let commit = |expected: u64, position: u64, fence: u64| {
        let checkpoint = Checkpoint {
            log: log.log_id(),
            position: Position::new(position),
            last: page.last,
            diverged: false,
            head: page.head,
            as_of: jiff::Timestamp::now(),
            parked: 0,
            fence,
            standing: Standing::Live,
            partitions: 1,
        };
        Commit::of(Position::new(expected), checkpoint)
    };
    let hand_written = ledger.hand_written().await;
    hand_written.prepare().await.unwrap();
    hand_written.apply(&page.events[..1], commit(0, 1, 3)).await.unwrap();
    // The new owner says that it is there, and has nothing to write yet.
    hand_written.views().commit(&Ledger::id(), commit(1, 1, 5)).await.unwrap();
    for (expected, position, late) in [(1, 2, 4), (0, 1, 3), (7, 8, 0)] {
        let late_batch = hand_written.apply(&page.events[1..], commit(expected, position, late)).await;
        let refused = late_batch.unwrap_err();
        let BatchError::Commit(CommitError::Fenced { projection, fence, newest }) = refused else {
            panic!("{refused}")
        };
        assert_eq!((projection, fence, newest), (Ledger::id(), late, 5));
    }
    assert_eq!(ledger.seen.batches.lock().unwrap().len(), 1);
    hand_written.apply(&page.events[1..], commit(1, 2, 5)).await.unwrap();
    ledger.assert_as_the_log(&*log).await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_checkpoint_is() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    for round in 0..5 {
        let app = ledger.app(&log, 3).await;
        append(&*log, &[deposit("a", round), deposit("b", round)]).await;
        ledger.caught_up(&*log).await;
        app.shutdown().await;
        append(&*log, &[deposit("a", 1), deposit("c", round)]).await;
    }
    let app = ledger.app(&log, 3).await;
    ledger.assert_as_the_log(&*log).await;
    let mut came: Vec<u64> = ledger.seen.batches.lock().unwrap().concat();
    came.sort_unstable();
    assert_eq!(came, (1..=20).collect::<Vec<_>>());
    eventually("it is well", async || app.health().await.is_well()).await;
}
