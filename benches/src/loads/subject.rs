//! What loads an order.

use std::sync::Arc;

use cqrs_core::{prelude::*, store::EventStore};

use crate::{
    Failure,
    domain::{AddLongLine, LineAdded, Look, LookLong, OrderId, Seen, Tally},
    filling::fill,
    limit::postgres::{self as limit, Connection},
    noting::Noting,
    places::Location,
};

pub(super) const EVENTS: u64 = 1_000;

/// What is loaded, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// All events, by one bare query.
    Select,
    /// All events, by the framework.
    Whole,
    /// One row, by one bare query.
    SelectOne,
    /// A snapshot, by the framework.
    Snapshot,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Select => "limit: select and decode",
            Self::Whole => "framework",
            Self::SelectOne => "limit: select one row",
            Self::Snapshot => "framework, by snapshot",
        }
    }
}

pub(super) enum Subject {
    Limit { connection: Connection, kind: Kind },
    Framework { app: App, log: Arc<Noting>, kind: Kind },
}

impl Subject {
    /// In an empty room.
    pub(super) async fn prepare(kind: Kind, location: &Location) -> Result<Self, Failure> {
        match kind {
            Kind::Select | Kind::SelectOne => {
                limit::prepare(location.url()?).await?;
                let connection = Connection::open(location.url()?).await?;
                for number in 0..EVENTS {
                    connection.add(order()?.as_str(), Tally::of_lines(number), number).await?;
                }
                Ok(Self::Limit { connection, kind })
            }
            Kind::Whole | Kind::Snapshot => {
                let log = location.log().await?;
                let order = order()?;
                fill(&*log, EVENTS, |number| (order.to_string(), LineAdded::sample(number))).await?;
                let subject = Self::framework(kind, log).await?;
                if let (Kind::Snapshot, Self::Framework { app, log, .. }) = (kind, &subject) {
                    let mut saved = log.saved();
                    app.execute(AddLongLine { order, number: EVENTS }).await?;
                    saved.wait_for(|version| version.get() > EVENTS).await?;
                    log.take_events();
                }
                Ok(subject)
            }
        }
    }

    /// In a room that was prepared.
    pub(super) async fn of(kind: Kind, location: &Location) -> Result<Self, Failure> {
        match kind {
            Kind::Select | Kind::SelectOne => {
                Ok(Self::Limit { connection: Connection::open(location.url()?).await?, kind })
            }
            Kind::Whole | Kind::Snapshot => Self::framework(kind, location.log().await?).await,
        }
    }

    async fn framework(kind: Kind, log: Arc<dyn EventStore>) -> Result<Self, Failure> {
        let log = Arc::new(Noting::new(log));
        let app = App::builder(Arc::clone(&log)).hot_aggregates(0).build().await?;
        Ok(Self::Framework { app, log, kind })
    }

    /// Loads the order once, and checks what came.
    pub(super) async fn load(&self) -> Result<(), Failure> {
        let order = order()?;
        match self {
            Self::Limit { connection, kind: Kind::SelectOne } => connection.one_row(order.as_str()).await,
            Self::Limit { connection, .. } => same(connection.tally(order.as_str()).await?, EVENTS),
            Self::Framework { app, log, kind: Kind::Snapshot } => {
                let Err(ExecuteError::Rejected(Seen(tally))) = app.execute(LookLong { order }).await else {
                    return Err("an order was not seen".into());
                };
                if log.take_events() > 0 {
                    return Err("events were loaded in spite of a snapshot".into());
                }
                same(tally, EVENTS + 1)
            }
            Self::Framework { app, .. } => {
                let Err(ExecuteError::Rejected(Seen(tally))) = app.execute(Look { order }).await else {
                    return Err("an order was not seen".into());
                };
                same(tally, EVENTS)
            }
        }
    }
}

fn same(tally: Tally, lines: u64) -> Result<(), Failure> {
    let mut expected = Tally::default();
    (0..lines).for_each(|number| expected.add_sample(number));
    if tally == expected { Ok(()) } else { Err(format!("{tally:?} was loaded, and not {expected:?}").into()) }
}

pub(super) fn order() -> Result<OrderId, Failure> {
    Ok(OrderId::new("order-1")?)
}
