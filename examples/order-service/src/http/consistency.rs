use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};
use cqrs_core::{
    envelope::{LogId, Position, Token},
    query::{Provenance, QueryError},
    runtime::Lag,
    store,
};

use super::{Code, Problem, duration, headers::single};

/// The header that carries a token, both ways.
pub(super) const TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const POSITION: HeaderName = HeaderName::from_static("consistency-position");
const LAG: HeaderName = HeaderName::from_static("consistency-lag");
const STALE: HeaderName = HeaderName::from_static("consistency-stale");

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
                let detail = format!("the header `consistency-fallback` is {other:?}, but `stale` is all it can be");
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
        None => Err(Problem::new(code, format!("the header `{name}` is {text:?}, but a time such as `500ms` or `2s` is wanted"))),
    }
}

/// The headers that say how fresh an answer is.
pub(super) struct Consistency(pub(super) Provenance);

impl IntoResponseParts for Consistency {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let Provenance { applied, lag, stale, token, .. } = self.0;
        let values = [
            (POSITION, applied.to_string()),
            (LAG, duration::format(lag.time)),
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
        QueryError::NotYetConsistent { applied, head, lag, .. } => {
            not_yet(error.to_string(), *applied, *head, *lag)
        }
        QueryError::ForeignToken { token, log } => foreign(*log, *token),
        QueryError::Cursor(cursor) => Problem::new(Code::BadAfter, cursor.to_string()),
        QueryError::Store(store::Error::Unavailable { .. } | store::Error::Closed) => {
            tracing::warn!(error = cqrs_core::runtime::with_causes(error), "a query met a store that is away");
            Problem::new(Code::ReadStoreUnavailable, error.to_string())
        }
        error => Problem::internal(error),
    }
}

/// A token names a point of another log.
pub(super) fn foreign(log: LogId, token: LogId) -> Problem {
    let detail = format!("the token belongs to the log {token}, but the answers here come from the log {log}");
    Problem::new(Code::ForeignToken, detail).disagree(log.to_string(), token.to_string())
}

/// The answer would be older than asked for.
pub(super) fn not_yet(detail: String, applied: Position, head: Position, lag: Lag) -> Problem {
    Problem {
        applied: Some(applied.get()),
        head: Some(head.get()),
        lag: Some(duration::format(lag.time)),
        ..Problem::new(Code::NotYetConsistent, detail)
    }
}
