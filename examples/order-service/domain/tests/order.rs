//! What an order decides.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use cqrs_core::prelude::Id;
use cqrs_testkit::Spec;
use order_domain::{
    AlreadyCancelled, CancelOrder, ConfirmOrder, ConfirmOrderError, InvalidLines, Lines, Order, PlaceOrder,
    Reason,
};
use order_events::{Cents, OrderCancelled, OrderConfirmed, OrderLine, OrderPlaced};

fn id<I: Id>(text: &str) -> I {
    text.parse().unwrap()
}

fn cents(cents: i64) -> Cents {
    cents.try_into().unwrap()
}

fn line(quantity: u32, price: i64) -> OrderLine {
    OrderLine { sku: id("tea"), quantity: quantity.try_into().unwrap(), unit_price_cents: cents(price) }
}

fn placed() -> OrderPlaced {
    OrderPlaced { customer_id: id("ada"), lines: vec![line(2, 450), line(1, 80)], total_cents: cents(980) }
}

fn confirmed() -> OrderConfirmed {
    OrderConfirmed { customer_id: id("ada") }
}

fn cancelled(was_confirmed: bool) -> OrderCancelled {
    OrderCancelled { customer_id: id("ada"), reason: "late".into(), was_confirmed, total_cents: cents(980) }
}

fn confirm() -> ConfirmOrder {
    ConfirmOrder { order_id: id("o1") }
}

fn cancel() -> CancelOrder {
    CancelOrder { order_id: id("o1"), reason: Reason::try_from("late".to_owned()).unwrap() }
}

#[test]
fn an_order_is_placed_with_the_total_of_its_lines() {
    let lines = vec![line(2, 450), line(1, 80)].try_into().unwrap();
    let command = PlaceOrder { order_id: id("o1"), customer_id: id("ada"), lines };
    Spec::<Order>::new().when(command).then(placed());
}

#[test]
fn a_placed_order_is_confirmed() {
    Spec::<Order>::given(placed()).when(confirm()).then(confirmed());
}

#[test]
fn a_placed_order_is_cancelled() {
    Spec::<Order>::given(placed()).when(cancel()).then(cancelled(false));
}

#[test]
fn a_confirmed_order_is_cancelled_and_the_event_says_that_it_was_confirmed() {
    Spec::<Order>::given((placed(), confirmed())).when(cancel()).then(cancelled(true));
}

#[test]
fn an_order_is_confirmed_once() {
    Spec::<Order>::given((placed(), confirmed()))
        .when(confirm())
        .then_rejected(ConfirmOrderError::AlreadyConfirmed);
}

#[test]
fn a_cancelled_order_stays_cancelled() {
    let history = (placed(), confirmed(), cancelled(true));
    Spec::<Order>::given(history.clone()).when(confirm()).then_rejected(ConfirmOrderError::AlreadyCancelled);
    Spec::<Order>::given(history).when(cancel()).then_rejected(AlreadyCancelled);
}

#[test]
fn an_order_has_a_line_and_a_total_that_can_be_counted() {
    assert_eq!(Lines::try_from(vec![]), Err(InvalidLines::None));
    assert_eq!(Lines::try_from(vec![line(2, i64::MAX)]), Err(InvalidLines::TotalOverflows));
    assert_eq!(Lines::try_from(vec![line(1, i64::MAX), line(1, 1)]), Err(InvalidLines::TotalOverflows));
    assert_eq!(Lines::try_from(vec![line(1, i64::MAX), line(1, 0)]).unwrap().total(), cents(i64::MAX));
}

#[test]
fn a_reason_has_1_to_500_characters() {
    let reason = |length: usize| Reason::try_from("ä".repeat(length));
    assert!(reason(0).is_err() && reason(1).is_ok() && reason(500).is_ok() && reason(501).is_err());
}
