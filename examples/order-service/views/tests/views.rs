//! What the views make of the events.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use cqrs_core::prelude::Id;
use cqrs_testkit::ViewSpec;
use order_events::{Cents, OrderCancelled, OrderConfirmed, OrderEvent, OrderPlaced};
use order_views::{CustomerSummary, Sum};

fn id<I: Id>(text: &str) -> I {
    text.parse().unwrap()
}

fn cents(cents: i64) -> Cents {
    cents.try_into().unwrap()
}

fn placed(customer: &str, total: i64) -> OrderPlaced {
    OrderPlaced { customer_id: id(customer), lines: Vec::new(), total_cents: cents(total) }
}

fn confirmed(customer: &str) -> OrderConfirmed {
    OrderConfirmed { customer_id: id(customer) }
}

fn cancelled(customer: &str, total: i64, was_confirmed: bool) -> OrderCancelled {
    let reason = "late".to_owned();
    OrderCancelled { customer_id: id(customer), reason, was_confirmed, total_cents: cents(total) }
}

fn sum(amounts: &[i64]) -> Sum {
    let mut sum = Sum::default();
    for amount in amounts {
        sum += cents(*amount);
    }
    sum
}

#[test]
fn a_customers_summary_is_made_of_the_events_of_all_their_orders() {
    ViewSpec::<CustomerSummary>::given::<OrderEvent>(&id("o1"), (placed("ada", 900), confirmed("ada")))
        .and_given::<OrderEvent>(&id("o2"), (placed("ada", 100), cancelled("ada", 100, false)))
        .and_given::<OrderEvent>(&id("o3"), placed("ada", 50))
        .and_given::<OrderEvent>(&id("o4"), placed("bob", 7))
        .then(
            &id("ada"),
            CustomerSummary { orders: 3, confirmed: 1, cancelled: 1, total_cents: sum(&[900, 50]) },
        )
        .then(&id("bob"), CustomerSummary { orders: 1, confirmed: 0, cancelled: 0, total_cents: sum(&[7]) });
}

#[test]
fn an_order_that_is_cancelled_after_it_was_confirmed_counts_as_cancelled_alone() {
    let history = (placed("ada", 900), confirmed("ada"), cancelled("ada", 900, true));
    let expected = CustomerSummary { orders: 1, confirmed: 0, cancelled: 1, total_cents: Sum::default() };
    ViewSpec::<CustomerSummary>::given::<OrderEvent>(&id("o1"), history).then(&id("ada"), expected);
}

#[test]
fn a_customers_total_does_not_overflow() {
    let most = placed("ada", i64::MAX);
    let expected =
        CustomerSummary { orders: 2, confirmed: 0, cancelled: 0, total_cents: sum(&[i64::MAX, i64::MAX]) };
    assert_eq!(expected.total_cents.cents(), 2 * i128::from(i64::MAX));
    ViewSpec::<CustomerSummary>::given::<OrderEvent>(&id("o1"), most.clone())
        .and_given::<OrderEvent>(&id("o2"), most)
        .then(&id("ada"), expected.clone());
    let text = serde_json::to_string(&expected).unwrap();
    assert_eq!(serde_json::from_str::<CustomerSummary>(&text).unwrap(), expected);
}
