use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::{App, ExecuteError},
    envelope::{CommandId, StreamId, Version},
    prelude::*,
    store::Past,
};

use crate::{domain::*, faults::FaultyLog, scene::append};

const WIDE: Limit = Limit(1_000);

fn count() -> Count {
    Count { tally: tally(1) }
}

/// A tally that has counted to one.
async fn counted(log: &FaultyLog) -> App {
    let app = App::builder(log.clone()).build().await.unwrap();
    app.with(&WIDE).execute(count()).await.unwrap();
    app
}

/// What another program has counted.
async fn counted_elsewhere(log: &FaultyLog) {
    append(log, &StreamId::new("tally", "1").unwrap(), &[("counted", "{}")]).await;
}

fn loads(log: &FaultyLog) -> usize {
    log.faults.loads.load(SeqCst)
}

#[tokio::test]
async fn a_command_on_a_hot_aggregate_reads_nothing() {
    let log = FaultyLog::new();
    let app = counted(&log).await;
    let before = loads(&log);
    for _ in 0..20 {
        app.with(&WIDE).execute(count()).await.unwrap();
    }
    assert_eq!(loads(&log), before);
    assert!(matches!(app.with(&Limit(21)).execute(count()).await, Err(ExecuteError::Rejected(Full(21)))));
}

#[tokio::test]
async fn none_is_kept_where_none_is_wanted() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).hot_aggregates(0).build().await.unwrap();
    app.with(&WIDE).execute(count()).await.unwrap();
    let before = loads(&log);
    app.with(&WIDE).execute(count()).await.unwrap();
    assert_eq!(loads(&log), before + 1);
}

#[tokio::test]
async fn an_aggregate_whose_handlers_read_metadata_is_not_kept() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let before = loads(&log);
    app.execute(Deposit { account: account("a"), amount: 1 }).await.unwrap();
    assert_eq!(loads(&log), before + 1);
}

#[tokio::test]
async fn a_hot_aggregate_that_another_program_has_changed_is_loaded_again() {
    let log = FaultyLog::new();
    let app = counted(&log).await;
    counted_elsewhere(&log).await;
    assert_eq!(app.with(&WIDE).execute(count()).await.unwrap().version, Version::new(3));
    assert!(app.with(&Limit(3)).execute(count()).await.is_err());
}

#[tokio::test]
async fn a_rejection_is_never_decided_on_a_hot_state_alone() {
    let log = FaultyLog::new();
    let app = counted(&log).await;
    let before = loads(&log);
    assert!(app.with(&Limit(1)).execute(count()).await.is_err());
    assert_eq!(loads(&log), before + 1);
}

#[tokio::test]
async fn a_known_command_id_gives_its_first_receipt_also_where_the_hot_state_would_say_no() {
    let log = FaultyLog::new();
    let app = counted(&log).await;
    let id = CommandId::generate();
    let first = app.with(&Limit(2)).execute(count()).id(id).await.unwrap();
    let again = app.with(&Limit(2)).execute(count()).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.version, again.events), (first.version, first.events));
}

#[tokio::test]
async fn a_command_for_a_version_looks_before_it_says_no() {
    let log = FaultyLog::new();
    let app = counted(&log).await;
    counted_elsewhere(&log).await;
    let receipt = app.with(&WIDE).execute_at(Version::new(2), count()).await.unwrap();
    assert_eq!(receipt.version, Version::new(3));
    let conflict = app.with(&WIDE).execute_at(Version::new(2), count()).await;
    assert!(matches!(conflict, Err(ExecuteError::Conflict { actual, .. }) if actual == Version::new(3)));
}

/// An aggregate whose handlers contradict each other: its creating command leads to an event that only changes.
mod contradictory {
    use super::*;

    #[derive(Id)]
    pub struct SeatId(u64);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct SeatAdded {}
    #[derive(Event, Clone, Debug, PartialEq)]
    #[event(stream = "seat", id = SeatId)]
    pub enum SeatEvent {
        Added(SeatAdded),
    }
    #[derive(Aggregate)]
    #[aggregate(event = SeatEvent)]
    pub struct Seat;
    #[derive(Command, Serialize, Deserialize)]
    #[command(aggregate = Seat)]
    pub struct AddSeat {
        #[command(id)]
        pub seat: SeatId,
    }
    #[handlers]
    impl Seat {
        #[command_handler]
        fn add(_: AddSeat) -> SeatAdded {
            SeatAdded {}
        }
        #[event_handler]
        fn on_added(&mut self, _: &SeatAdded) {}
    }
}

#[tokio::test]
async fn an_event_that_its_own_aggregate_can_not_fold_is_never_appended() {
    use cqrs_core::store::EventStore as _;

    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let seat = contradictory::SeatId::from(1);
    let error = app.execute(contradictory::AddSeat { seat }).await.unwrap_err();
    assert!(matches!(&error, ExecuteError::Unfoldable { reason, .. } if reason.contains("no earlier event")));
    assert_eq!(log.head().await.unwrap(), Position::ZERO);
}

#[tokio::test]
async fn an_aggregate_of_another_past_is_loaded_again_though_its_version_is_the_same() {
    let log = FaultyLog::new();
    *log.faults.past.lock().unwrap() = Past::begin();
    let app = counted(&log).await;
    app.with(&WIDE).execute(count()).await.unwrap();
    // The log is put back; the counts are those of somebody else now.
    *log.faults.past.lock().unwrap() = Past::begin();
    let (loaded, appended) = (loads(&log), log.faults.appends.load(SeqCst));
    assert_eq!(app.with(&WIDE).execute(count()).await.unwrap().version, Version::new(3));
    assert_eq!(loads(&log), loaded + 1);
    assert_eq!(log.faults.appends.load(SeqCst), appended + 2);
    // From here it is known again.
    app.with(&WIDE).execute(count()).await.unwrap();
    assert_eq!(loads(&log), loaded + 1);
}
