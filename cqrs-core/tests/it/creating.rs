//! Commands that create their aggregate, and what they need not read.

use std::sync::atomic::Ordering::SeqCst;

use cqrs_core::{
    app::{App, ExecuteError},
    domain::Handle,
    envelope::CommandId,
    prelude::*,
    store::AppendError,
};

use crate::{domain::*, faults::FaultyLog, scene::all_events};

fn open(of: &str) -> Open {
    Open { account: account("a"), owner: owner(of) }
}

fn calls(log: &FaultyLog) -> (usize, usize) {
    (log.faults.loads.load(SeqCst), log.faults.appends.load(SeqCst))
}

#[tokio::test]
async fn a_new_aggregate_is_not_looked_for() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let receipt = app.execute(open("ada")).await.unwrap();
    assert_eq!((receipt.version.get(), receipt.position.get()), (1, 1));
    assert_eq!(calls(&log), (0, 1));
}

#[tokio::test]
async fn one_that_is_there_is_found_by_the_append_and_stays_as_it_is() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    app.execute(open("ada")).await.unwrap();
    let again = app.execute(open("bob")).await;
    assert!(matches!(again, Err(ExecuteError::AlreadyExists { .. })), "{again:?}");
    assert_eq!(all_events(&log).await.len(), 1);
    // Whether it was removed since is to be seen in its events.
    assert_eq!(calls(&log), (1, 2));
}

#[tokio::test]
async fn one_that_was_removed_is_created_again() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    app.execute(open("ada")).await.unwrap();
    app.execute(Close { account: account("a") }).await.unwrap();
    assert_eq!(app.execute(open("bob")).await.unwrap().version.get(), 3);
}

#[tokio::test]
async fn a_repeated_command_is_answered_as_the_first_time() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let id = CommandId::generate();
    let first = app.execute(open("ada")).id(id).await.unwrap();
    let second = app.execute(open("ada")).id(id).await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!((first.version, first.position), (second.version, second.position));
    assert_eq!(all_events(&log).await.len(), 1);
    let other = app.execute(open("bob")).id(id).await;
    assert!(matches!(other, Err(ExecuteError::CommandIdReused { .. })), "{other:?}");
}

#[tokio::test]
async fn the_version_that_a_caller_expects_is_looked_at_first() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let at = app.execute(open("ada")).at(Version::new(1)).await;
    assert!(matches!(at, Err(ExecuteError::Conflict { .. })), "{at:?}");
    assert_eq!(log.faults.appends.load(SeqCst), 0);
    app.execute(open("ada")).at(Version::ZERO).await.unwrap();
}

#[tokio::test]
async fn what_the_store_refuses_before_it_looks_is_looked_up_first() {
    let mut log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let id = CommandId::generate();
    app.execute(open("ada")).id(id).await.unwrap();
    // As another process with a lower limit has it.
    log.inner = log.inner.max_event_bytes(10);
    let strict = App::builder(log.clone()).build().await.unwrap();
    assert!(strict.execute(open("ada")).id(id).await.unwrap().repeated);
    let again = strict.execute(open("bob")).await;
    assert!(matches!(again, Err(ExecuteError::AlreadyExists { .. })), "{again:?}");
    let new = strict.execute(Open { account: account("b"), owner: owner("ada") }).await;
    let Err(ExecuteError::Append { source, .. }) = new else { panic!("{new:?}") };
    assert!(matches!(source, AppendError::TooLarge { .. }), "{source:?}");
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "ticket", id = TicketId)]
enum TicketEvent {
    Issued(Issued),
}

#[derive(Id)]
struct TicketId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Issued {}

#[derive(Debug, thiserror::Error)]
#[error("sold out")]
struct SoldOut;

#[derive(Aggregate, Debug)]
#[aggregate(event = TicketEvent, services = Stock)]
struct Ticket;

/// Counts how often it was asked.
#[derive(Default)]
struct Stock(std::sync::atomic::AtomicUsize);

macro_rules! commands {
    ($($name:ident),+) => {
        $(#[derive(Command, Serialize, Deserialize)]
        #[command(aggregate = Ticket)]
        struct $name {
            #[command(id)]
            ticket: TicketId,
        })+
    };
}

commands!(Issue, IssueAt, IssueLater, Buy, Refuse);

#[handlers]
impl Ticket {
    #[command_handler]
    fn issue(_: Issue) -> Issued {
        Issued {}
    }

    #[command_handler]
    fn issue_at(_: &IssueAt, _: &Metadata) -> Issued {
        Issued {}
    }

    #[command_handler]
    async fn issue_later(_: &IssueLater) -> Issued {
        Issued {}
    }

    #[command_handler]
    fn buy(_: &Buy, stock: &Stock) -> Issued {
        stock.0.fetch_add(1, SeqCst);
        Issued {}
    }

    #[command_handler]
    fn refuse(_: &Refuse) -> Result<Issued, SoldOut> {
        Err(SoldOut)
    }

    #[event_handler]
    fn on_issued(_: &Issued) -> Self {
        Self
    }
}

#[test]
fn only_handlers_that_can_be_asked_in_vain_are_asked_before_a_look() {
    const { assert!(<Ticket as Handle<Issue>>::CREATES_UNSEEN) };
    const { assert!(<Ticket as Handle<IssueAt>>::CREATES_UNSEEN) };
    const { assert!(<Ticket as Handle<Refuse>>::CREATES_UNSEEN) };
    const { assert!(!<Ticket as Handle<IssueLater>>::CREATES_UNSEEN) };
    const { assert!(!<Ticket as Handle<Buy>>::CREATES_UNSEEN) };
    const { assert!(!<Account as Handle<Deposit>>::CREATES_UNSEEN) };
}

#[tokio::test]
async fn services_are_not_asked_for_an_aggregate_that_is_there() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let stock = Stock::default();
    let ticket = || TicketId::new("1").unwrap();
    app.with(&stock).execute(Buy { ticket: ticket() }).await.unwrap();
    let again = app.with(&stock).execute(Buy { ticket: ticket() }).await;
    assert!(matches!(again, Err(ExecuteError::AlreadyExists { .. })), "{again:?}");
    assert_eq!(stock.0.load(SeqCst), 1);
}

#[tokio::test]
async fn one_that_is_there_is_the_answer_even_where_the_handler_would_say_no() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let stock = Stock::default();
    let ticket = || TicketId::new("1").unwrap();
    let refused = app.with(&stock).execute(Refuse { ticket: ticket() }).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(SoldOut))), "{refused:?}");
    app.with(&stock).execute(Issue { ticket: ticket() }).await.unwrap();
    let refused = app.with(&stock).execute(Refuse { ticket: ticket() }).await;
    assert!(matches!(refused, Err(ExecuteError::AlreadyExists { .. })), "{refused:?}");
}
