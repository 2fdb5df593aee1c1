//! How a backlog lies in the log.

use std::collections::HashMap;

use cqrs_core::store::EventStore;

use crate::{
    Failure,
    domain::{LineAdded, OrderSummary},
    filling::fill,
};

/// Each order has five events.
const LINES: u64 = 5;

/// Where the events of one order are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One after the other, so that a batch folds five of them into one write.
    Folded,
    /// Far from each other, so that a batch writes a document for each event.
    Scattered,
}

impl Layout {
    pub(crate) const ALL: [Self; 2] = [Self::Folded, Self::Scattered];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Folded => "folded 5:1",
            Self::Scattered => "scattered",
        }
    }

    fn line(self, number: u64, backlog: u64) -> (String, LineAdded) {
        let order = match self {
            Self::Folded => number / LINES,
            Self::Scattered => number % backlog.div_ceil(LINES),
        };
        (format!("order-{order}"), LineAdded::of(order, number))
    }

    pub(crate) async fn fill(self, log: &dyn EventStore, backlog: u64) -> Result<(), Failure> {
        fill(log, backlog, |number| self.line(number, backlog)).await
    }

    /// What the backlog comes to.
    pub(crate) fn views(self, backlog: u64) -> HashMap<String, OrderSummary> {
        let mut views: HashMap<String, OrderSummary> = HashMap::new();
        for number in 0..backlog {
            let (order, line) = self.line(number, backlog);
            views.entry(order).or_default().add(&line);
        }
        views
    }

    /// What has to be written, batch by batch, each of so many events.
    pub(crate) fn batches(self, backlog: u64, size: u64) -> Vec<Vec<Write>> {
        let mut views: HashMap<String, OrderSummary> = HashMap::new();
        let mut batches = Vec::new();
        let mut from = 0;
        while from < backlog {
            let until = backlog.min(from + size);
            let mut touched: HashMap<String, u64> = HashMap::new();
            for number in from..until {
                let (order, line) = self.line(number, backlog);
                views.entry(order.clone()).or_default().add(&line);
                touched.insert(order, number + 1);
            }
            let writes = touched.into_iter().map(|(key, applied)| {
                let view = views.get(&key).cloned().unwrap_or_default();
                Write { key, applied, view }
            });
            batches.push(writes.collect());
            from = until;
        }
        batches
    }
}

/// One document.
pub(crate) struct Write {
    pub(crate) key: String,
    /// The position of the last event in it.
    pub(crate) applied: u64,
    pub(crate) view: OrderSummary,
}
