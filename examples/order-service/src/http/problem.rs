use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cqrs_core::envelope::Position;
use serde::Serialize;
use utoipa::ToSchema;

use super::duration;

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    code: Code,
    detail: String,
    facts: Option<Box<Facts>>,
}

/// An error, as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Names the kind of problem: `/problems/` and the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/order_not_found")]
    kind: String,
    /// The kind of problem, for people.
    #[schema(example = "Order not found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong here, for people.
    detail: String,
    /// Names the kind of problem, for programs; it never changes.
    #[schema(example = "order_not_found")]
    code: &'static str,
    #[serde(flatten)]
    facts: Option<Facts>,
}

/// What programs may want to know of some problems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct Facts {
    /// What was asked for, where something else was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    expected: Option<serde_json::Value>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    actual: Option<serde_json::Value>,
    /// `not_yet_consistent`: the position that the view has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<u64>,
    /// `not_yet_consistent`: the head of the log, or the position that was asked for where that is further.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    /// `not_yet_consistent`: how far the view is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "12ms")]
    lag: Option<String>,
}

macro_rules! codes {
    ($($code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// The kinds of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the titles say what they are")]
        pub enum Code {
            $($code,)+
        }

        impl Code {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// For programs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status,)+
                }
            }

            /// For people.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$code => $title,)+
                }
            }
        }
    };
}

codes! {
    BadJson = "bad_json", BAD_REQUEST, "The body is no JSON";
    BadBody = "bad_body", BAD_REQUEST, "The body can't be read";
    BadId = "bad_id", BAD_REQUEST, "Not an id";
    BadIdempotencyKey = "bad_idempotency_key", BAD_REQUEST, "Not an idempotency key";
    BadIfMatch = "bad_if_match", BAD_REQUEST, "Not a version to match";
    BadLimit = "bad_limit", BAD_REQUEST, "Not a page size";
    BadStatus = "bad_status", BAD_REQUEST, "Not a status of an order";
    BadAfter = "bad_after", BAD_REQUEST, "Not a place to go on after";
    BadToken = "bad_token", BAD_REQUEST, "Not a consistency token";
    BadTimeout = "bad_timeout", BAD_REQUEST, "Not a time to wait";
    BadMaxLag = "bad_max_lag", BAD_REQUEST, "Not a bound on the lag";
    BadFallback = "bad_fallback", BAD_REQUEST, "Not a fallback";
    NotFound = "not_found", NOT_FOUND, "Nothing here";
    NotInThisRole = "not_in_this_role", NOT_FOUND, "Another process answers this";
    OrderNotFound = "order_not_found", NOT_FOUND, "Order not found";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    BodyTimeout = "body_timeout", REQUEST_TIMEOUT, "The body took too long to arrive";
    OrderAlreadyPlaced = "order_already_placed", CONFLICT, "The order is placed already";
    OrderAlreadyConfirmed = "order_already_confirmed", CONFLICT, "The order is confirmed already";
    OrderAlreadyCancelled = "order_already_cancelled", CONFLICT, "The order is cancelled already";
    ForeignToken = "foreign_token", CONFLICT, "The token is one of another log";
    VersionMismatch = "version_mismatch", PRECONDITION_FAILED, "The order is at another version";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    InvalidOrder = "invalid_order", UNPROCESSABLE_ENTITY, "The order is not valid";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY,
        "The idempotency key belongs to another request";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service has a fault";
    WriteStoreUnavailable = "write_store_unavailable", SERVICE_UNAVAILABLE, "The write store is unavailable";
    ReadStoreUnavailable = "read_store_unavailable", SERVICE_UNAVAILABLE, "The read store is unavailable";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "The service is not ready";
    NotYetConsistent = "not_yet_consistent", GATEWAY_TIMEOUT, "The view is not as fresh as asked for";
}

/// The media type of problems.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    /// A problem of a kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), facts: None }
    }

    /// Its kind.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Two values that disagree.
    #[must_use]
    pub(super) fn disagree(
        self,
        expected: impl Into<serde_json::Value>,
        actual: impl Into<serde_json::Value>,
    ) -> Self {
        let facts =
            Facts { expected: Some(expected.into()), actual: Some(actual.into()), ..Facts::default() };
        Self { facts: Some(Box::new(facts)), ..self }
    }

    /// How far a view is.
    #[must_use]
    pub(super) fn progress(self, applied: Position, head: Position, lag: Duration) -> Self {
        let (applied, head) = (Some(applied.get()), Some(head.get()));
        let facts = Facts { applied, head, lag: Some(duration::format(lag)), ..Facts::default() };
        Self { facts: Some(Box::new(facts)), ..self }
    }

    /// A fault of the service itself: the log learns what it is, the caller that there is one.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(Code::Internal, "the service could not do this; its log says why")
    }

    /// As it is sent.
    pub(super) fn body(&self) -> ProblemBody {
        let Self { code, detail, facts } = self;
        ProblemBody {
            kind: format!("/problems/{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: detail.clone(),
            code: code.name(),
            facts: facts.as_deref().cloned(),
        }
    }

    /// The text of the body.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.body()).expect("a problem has text and numbers only")
    }
}

/// Answers with the body of a problem.
pub(super) fn respond(status: StatusCode, body: String) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        respond(self.code.status(), self.text())
    }
}

/// There is no such order.
#[cfg(any(feature = "command", feature = "query"))]
pub(super) fn order_not_found(id: impl std::fmt::Display) -> Problem {
    Problem::new(Code::OrderNotFound, format!("there is no order \"{id}\""))
}
