//! Queries, each with a demand of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::{
    prelude::*,
    store::{EventStore, ViewStore},
};

use crate::{
    Failure,
    domain::{AddLine, LineAdded, OrderId, OrderSummary},
    filling::fill,
    places::Location,
};

const ORDERS: u64 = 100;
/// What each order has to begin with, and what its view lacks while the projection stands still.
const LINES: u64 = 5;

/// How a query asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    Any,
    AtLeast,
    MaxLag,
    LatestOfApp,
    LatestOfViews,
    Fresh,
    Watch,
    /// The last one: the projection stands still.
    Live,
}

impl Demand {
    pub(super) const ALL: [Self; 8] = [
        Self::Any,
        Self::AtLeast,
        Self::MaxLag,
        Self::LatestOfApp,
        Self::LatestOfViews,
        Self::Fresh,
        Self::Watch,
        Self::Live,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::AtLeast => "at_least(&token)",
            Self::MaxLag => "max_lag(2 s)",
            Self::LatestOfApp => "latest, App",
            Self::LatestOfViews => "latest, Views",
            Self::Fresh => "fresh",
            Self::Watch => "watch",
            Self::Live => "or_live",
        }
    }

    /// How many of so many there is time for.
    fn samples(self, samples: u64) -> u64 {
        match self {
            // It waits for a heartbeat.
            Self::LatestOfViews => samples.div_ceil(20),
            Self::Watch => samples.div_ceil(5),
            _ => samples,
        }
    }
}

pub(super) struct Subject {
    log: Arc<dyn EventStore>,
    store: Arc<dyn ViewStore>,
    app: App,
    views: Views,
}

impl Subject {
    /// With views that are up to date.
    pub(super) async fn open(log: &Location, views: &Location) -> Result<Self, Failure> {
        let (log, store) = (log.log().await?, views.views().await?);
        fill(&*log, ORDERS * LINES, |number| (name(number), LineAdded::sample(number))).await?;
        let app =
            App::builder(Arc::clone(&log)).projection::<OrderSummary>(Arc::clone(&store)).build().await?;
        let views = Views::new(Arc::clone(&store));
        let end = Token::new(log.log_id(), Position::new(ORDERS * LINES));
        views.fresh::<OrderSummary>().at_least(&end).within(Duration::from_mins(1)).await?;
        Ok(Self { log, store, app, views })
    }

    pub(super) async fn measure(&mut self, demand: Demand, samples: u64) -> Result<Vec<Duration>, Failure> {
        let samples = demand.samples(samples);
        match demand {
            Demand::Watch => return self.watch(samples).await,
            Demand::Live => self.stand_still().await?,
            _ => {}
        }
        let token = self.views.fresh::<OrderSummary>().await?.token;
        let mut times = Vec::new();
        for number in 0..samples {
            let order = OrderId::new(name(number))?;
            let started = Instant::now();
            let lines = self.lines(demand, &order, &token).await?;
            times.push(started.elapsed());
            let expected = if demand == Demand::Live { 2 * LINES } else { LINES };
            if lines.is_some_and(|lines| lines < expected) {
                return Err(format!("a view has {lines:?} lines instead of {expected}").into());
            }
        }
        Ok(times)
    }

    /// How many lines the order has, where the query tells.
    async fn lines(&self, demand: Demand, order: &OrderId, token: &Token) -> Result<Option<u64>, Failure> {
        let of_views = || self.views.view::<OrderSummary>(order);
        let of_app = || self.app.view::<OrderSummary>(order);
        let answer = match demand {
            Demand::Any => of_views().await?,
            Demand::AtLeast => of_views().at_least(token).await?,
            Demand::MaxLag => of_views().max_lag(Duration::from_secs(2)).await?,
            Demand::LatestOfViews => of_views().latest().await?,
            Demand::LatestOfApp => of_app().latest().await?,
            Demand::Live => of_app().latest().within(Duration::ZERO).or_live().await?,
            Demand::Fresh | Demand::Watch => {
                self.views.fresh::<OrderSummary>().at_least(token).await?;
                return Ok(None);
            }
        };
        Ok(Some(answer.as_ref().map_or(0, |view| view.lines)))
    }

    /// From a receipt to the item of a live view.
    async fn watch(&self, samples: u64) -> Result<Vec<Duration>, Failure> {
        const EVERY: Duration = Duration::from_millis(20);
        let order = OrderId::new(name(0))?;
        let mut live = self.views.watch::<OrderSummary>(&order);
        live.next().await.ok_or("a live view has ended")??;
        let mut times = Vec::new();
        let mut ticks = tokio::time::interval(EVERY);
        for number in 0..samples {
            ticks.tick().await;
            let receipt = self.app.execute(AddLine { order: order.clone(), number }).await?;
            let acknowledged = Instant::now();
            loop {
                let answer = live.next().await.ok_or("a live view has ended")??;
                if answer.as_ref().is_some_and(|view| view.lines >= receipt.version.get()) {
                    break;
                }
            }
            times.push(acknowledged.elapsed());
        }
        Ok(times)
    }

    /// From now on no views are written, and each lacks some events.
    async fn stand_still(&mut self) -> Result<(), Failure> {
        self.app.shutdown().await;
        fill(&*self.log, ORDERS * LINES, |number| (name(number), LineAdded::sample(number))).await?;
        self.app = App::builder(Arc::clone(&self.log))
            .query_only::<OrderSummary>(Arc::clone(&self.store))
            .build()
            .await?;
        Ok(())
    }

    pub(super) async fn close(self) {
        self.app.shutdown().await;
    }
}

fn name(number: u64) -> String {
    format!("order-{}", number % ORDERS)
}
