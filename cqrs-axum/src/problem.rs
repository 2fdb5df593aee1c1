use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cqrs_core::envelope::Position;
use serde::Serialize;

use crate::{Code, duration};

/// Why a request is not done: the answer of a handler that fails, as `application/problem+json` (RFC 9457).
///
/// `type` is `/problems/` and the [code](Code)'s name, `title` and `status` are the code's, `detail` says what is wrong here.
/// Some have more members: `expected` and `actual`, where two values disagree; `applied`, `head` and `lag`, where a view is not
/// as fresh as asked for. An answer with status 503 says `Retry-After: 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    code: Code,
    detail: String,
    facts: Option<Box<Facts>>,
}

/// An error, as RFC 9457 has it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema), schema(as = Problem))]
pub struct ProblemBody {
    /// Names the kind of problem: `/problems/` and the code.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "utoipa", schema(example = "/problems/order_not_found"))]
    kind: String,
    /// The kind of problem, for people.
    #[cfg_attr(feature = "utoipa", schema(example = "Order not found"))]
    title: &'static str,
    /// The HTTP status.
    #[cfg_attr(feature = "utoipa", schema(example = 404))]
    status: u16,
    /// What is wrong here, for people.
    detail: String,
    /// Names the kind of problem, for programs; it never changes.
    #[cfg_attr(feature = "utoipa", schema(example = "order_not_found"))]
    code: &'static str,
    #[serde(flatten)]
    facts: Option<Facts>,
}

/// What programs may want to know of some problems.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
struct Facts {
    /// What was asked for, where something else was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "utoipa", schema(value_type = Option<Object>))]
    expected: Option<serde_json::Value>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "utoipa", schema(value_type = Option<Object>))]
    actual: Option<serde_json::Value>,
    /// `not_yet_consistent`: the position that the view has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<u64>,
    /// `not_yet_consistent`: the head of the log, or the position that was asked for where that is further.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    /// `not_yet_consistent`: how far the view is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "utoipa", schema(example = "12ms"))]
    lag: Option<String>,
}

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

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
    pub fn disagree(
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
    pub fn progress(self, applied: Position, head: Position, lag: Duration) -> Self {
        let (applied, head) = (Some(applied.get()), Some(head.get()));
        let facts = Facts { applied, head, lag: Some(duration::format(lag)), ..Facts::default() };
        Self { facts: Some(Box::new(facts)), ..self }
    }

    /// A fault of the service itself: the log learns what it is, the caller that there is one.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(Code::INTERNAL, "the service could not do this; its log says why")
    }

    /// As it is sent.
    pub fn body(&self) -> ProblemBody {
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
    ///
    /// # Panics
    ///
    /// Never: it has text and numbers only.
    pub fn text(&self) -> String {
        serde_json::to_string(&self.body()).expect("a problem has text and numbers only")
    }
}

/// Answers with a text that is the body of a problem, such as one that was remembered.
pub fn respond(status: StatusCode, body: String) -> Response {
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
