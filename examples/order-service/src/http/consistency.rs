use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};
use cqrs_core::{
    envelope::{LogId, Position, Token},
    query::{Provenance, QueryError},
    store,
};
use utoipa::IntoParams;

use super::{Code, Problem, duration, request::single};

/// The header that carries a token, both ways.
pub(super) const TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const POSITION: HeaderName = HeaderName::from_static("consistency-position");
const LAG: HeaderName = HeaderName::from_static("consistency-lag");
const STALE: HeaderName = HeaderName::from_static("consistency-stale");

/// How fresh an answer has to be.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers")]
pub(super) struct WishParams {
    /// The answer holds everything up to this point of the log. With a bound on the lag too, both hold.
    #[param(rename = "Consistency-Token")]
    token: Option<String>,
    /// The answer is no more than this behind, such as `500ms` or `2s`.
    #[param(rename = "Consistency-Max-Lag", example = "2s", pattern = "^[0-9]+(ms|s)$")]
    max_lag: Option<String>,
    /// How long to wait for that; by default `1s`, at most `30s`.
    #[param(rename = "Consistency-Timeout", example = "500ms", pattern = "^[0-9]+(ms|s)$")]
    timeout: Option<String>,
    /// `stale`: answer all the same when time is up.
    #[param(rename = "Consistency-Fallback", example = "stale", pattern = "^stale$")]
    fallback: Option<String>,
}

/// How fresh an answer has to be, as a query's headers say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) token: Option<Token>,
    pub(super) max_lag: Option<Duration>,
    pub(super) within: Duration,
    pub(super) or_stale: bool,
}

impl Wish {
    const DEFAULT_WAIT: Duration = Duration::from_secs(1);
    const LONGEST_WAIT: Duration = Duration::from_secs(30);

    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let token = single(headers, "consistency-token", Code::BadToken)?;
        let token = token.map(|text| {
            text.parse().map_err(|error: cqrs_core::envelope::TokenError| {
                Problem::new(Code::BadToken, error.to_string())
            })
        });
        let max_lag = time(headers, "consistency-max-lag", Code::BadMaxLag)?;
        let within = time(headers, "consistency-timeout", Code::BadTimeout)?.unwrap_or(Self::DEFAULT_WAIT);
        if within > Self::LONGEST_WAIT {
            let longest = Self::LONGEST_WAIT.as_secs();
            let detail = format!("the header `consistency-timeout` is at most {longest}s");
            return Err(Problem::new(Code::BadTimeout, detail));
        }
        let or_stale = match single(headers, "consistency-fallback", Code::BadFallback)? {
            None => false,
            Some("stale") => true,
            Some(other) => {
                let detail =
                    format!("the header `consistency-fallback` is {other:?}, but `stale` is all it can be");
                return Err(Problem::new(Code::BadFallback, detail));
            }
        };
        Ok(Self { token: token.transpose()?, max_lag, within, or_stale })
    }
}

fn time(headers: &HeaderMap, name: &str, code: Code) -> Result<Option<Duration>, Problem> {
    let Some(text) = single(headers, name, code)? else { return Ok(None) };
    match duration::parse(text) {
        Some(time) => Ok(Some(time)),
        None => Err(Problem::new(
            code,
            format!("the header `{name}` is {text:?}, but a time such as `500ms` or `2s` is wanted"),
        )),
    }
}

/// The headers that say how fresh an answer is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consistency {
    pub(super) applied: Position,
    pub(super) lag: Duration,
    pub(super) stale: bool,
    pub(super) token: Token,
}

impl From<Provenance> for Consistency {
    fn from(provenance: Provenance) -> Self {
        let Provenance { applied, lag, stale, token, .. } = provenance;
        Self { applied, lag: lag.time, stale, token }
    }
}

impl IntoResponseParts for Consistency {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let Self { applied, lag, stale, token } = self;
        let values = [
            (POSITION, applied.to_string()),
            (LAG, duration::format(lag)),
            (STALE, stale.to_string()),
            (TOKEN, token.to_string()),
        ];
        for (name, value) in values {
            let value = HeaderValue::from_str(&value).expect("digits and letters only");
            parts.headers_mut().insert(name, value);
        }
        Ok(parts)
    }
}

/// Says why a query has no answer.
pub(super) fn problem_of(error: &QueryError) -> Problem {
    match error {
        QueryError::NotYetConsistent { projection, applied, head, lag, waited, .. } => {
            let waited = duration::format(*waited);
            let detail =
                format!("after {waited} {} has applied position {applied} of {head}", projection.name);
            not_yet(detail, *applied, *head, lag.time)
        }
        QueryError::ForeignToken { token, log } => foreign(*log, *token),
        QueryError::Cursor(cursor) => Problem::new(Code::BadAfter, cursor.to_string()),
        QueryError::Diverged { .. } => Problem::new(Code::ReadStoreUnavailable, error.to_string()),
        QueryError::Store(store::Error::Unavailable { .. } | store::Error::Closed) => {
            tracing::warn!(
                error = cqrs_core::runtime::with_causes(error),
                "a query met a store that is away"
            );
            Problem::new(Code::ReadStoreUnavailable, error.to_string())
        }
        error => Problem::internal(error),
    }
}

/// A token names a point of another log.
pub(super) fn foreign(log: LogId, token: LogId) -> Problem {
    let detail =
        format!("the token belongs to the log {token}, but the answers here come from the log {log}");
    Problem::new(Code::ForeignToken, detail).disagree(log.to_string(), token.to_string())
}

/// The answer would be older than asked for.
pub(super) fn not_yet(detail: String, applied: Position, head: Position, lag: Duration) -> Problem {
    Problem::new(Code::NotYetConsistent, detail).progress(applied, head, lag)
}
