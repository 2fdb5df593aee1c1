//! The kinds of problems that are the service's own; the others are those of `cqrs-axum`.

use axum::http::StatusCode;
use cqrs_axum::Code;

macro_rules! codes {
    ($($code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        $(pub(super) const $code: Code = Code::new($name, StatusCode::$status, $title);)+

        const OWN: &[Code] = &[$($code,)+];
    };
}

codes! {
    BAD_STATUS = "bad_status", BAD_REQUEST, "Not a status of an order";
    NOT_IN_THIS_ROLE = "not_in_this_role", NOT_FOUND, "Another process answers this";
    ORDER_NOT_FOUND = "order_not_found", NOT_FOUND, "Order not found";
    ORDER_ALREADY_PLACED = "order_already_placed", CONFLICT, "The order is placed already";
    ORDER_ALREADY_CONFIRMED = "order_already_confirmed", CONFLICT, "The order is confirmed already";
    ORDER_ALREADY_CANCELLED = "order_already_cancelled", CONFLICT, "The order is cancelled already";
    INVALID_ORDER = "invalid_order", UNPROCESSABLE_ENTITY, "The order is not valid";
    NOT_READY = "not_ready", SERVICE_UNAVAILABLE, "The service is not ready";
}

/// Each kind of problem that a request may meet.
pub fn codes() -> impl Iterator<Item = Code> {
    // An order says by itself that it is there, or not.
    let generic = [Code::AGGREGATE_NOT_FOUND, Code::AGGREGATE_EXISTS];
    Code::ALL.iter().chain(OWN).copied().filter(move |code| !generic.contains(code))
}

/// There is no such order.
#[cfg(any(feature = "command", feature = "query"))]
pub(super) fn order_not_found(id: impl std::fmt::Display) -> cqrs_axum::Problem {
    cqrs_axum::Problem::new(ORDER_NOT_FOUND, format!("there is no order \"{id}\""))
}
