use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use cqrs_core::envelope::{LogId, Position, Token};

use crate::{Code, Consistency, Problem, duration, header::single};

/// The header by which a browser says which event of a stream it has seen last.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How fresh an answer has to be, as [`Wish`] reads it.
#[cfg(feature = "utoipa")]
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers")]
pub struct WishParams {
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

/// How fresh an answer has to be, as a query's headers say; an extractor. [`Queries`](crate::Queries) answers so.
///
/// | header | |
/// | --- | --- |
/// | `Consistency-Token` | the answer holds everything up to this point of the log |
/// | `Consistency-Max-Lag` | the answer is no more than this behind, such as `500ms` or `2s` |
/// | `Consistency-Timeout` | how long to wait for that: 1 s, at most 30 s |
/// | `Consistency-Fallback: stale` | answer all the same when time is up |
///
/// What can't be read is refused, naming it, as [`Code::BAD_TOKEN`], [`Code::BAD_MAX_LAG`], [`Code::BAD_TIMEOUT`] or
/// [`Code::BAD_FALLBACK`]; so is a header that is given more than once, as two of them may contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The answer holds everything up to this point of the log.
    pub token: Option<Token>,
    /// The answer is no more than this behind.
    pub max_lag: Option<Duration>,
    /// How long to wait for that.
    pub within: Duration,
    /// Answer all the same when time is up.
    pub or_stale: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { token: None, max_lag: None, within: Self::DEFAULT_WAIT, or_stale: false }
    }
}

impl Wish {
    /// How long an answer is waited for where no header says it.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(1);
    /// The longest that a header may ask for.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

    /// Reads the headers.
    ///
    /// # Errors
    ///
    /// As the extractor.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let token = token(headers, "consistency-token")?;
        let max_lag = time(headers, "consistency-max-lag", Code::BAD_MAX_LAG)?;
        let within = time(headers, "consistency-timeout", Code::BAD_TIMEOUT)?.unwrap_or(Self::DEFAULT_WAIT);
        if within > Self::LONGEST_WAIT {
            let longest = Self::LONGEST_WAIT.as_secs();
            let detail = format!("the header `consistency-timeout` is at most {longest}s");
            return Err(Problem::new(Code::BAD_TIMEOUT, detail));
        }
        let or_stale = match single(headers, "consistency-fallback", Code::BAD_FALLBACK)? {
            None => false,
            Some("stale") => true,
            Some(other) => {
                let detail =
                    format!("the header `consistency-fallback` is {other:?}, but `stale` is all it can be");
                return Err(Problem::new(Code::BAD_FALLBACK, detail));
            }
        };
        Ok(Self { token, max_lag, within, or_stale })
    }

    /// Also no older than the event of a stream that was seen last, which `Last-Event-ID` names by its token; with
    /// `Consistency-Token`, the later one counts.
    ///
    /// # Errors
    ///
    /// [`Code::BAD_TOKEN`] where it is none, [`Code::CONTRADICTORY_HEADERS`] where the two are of different logs.
    pub fn resumed(mut self, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(seen) = token(headers, LAST_EVENT_ID.as_str())? else { return Ok(self) };
        let asked = self.token.filter(|asked| !asked.asks_nothing());
        match asked {
            Some(asked) if !seen.asks_nothing() && asked.log() != seen.log() => {
                let detail =
                    "the headers `consistency-token` and `last-event-id` name points of two different logs";
                Err(Problem::new(Code::CONTRADICTORY_HEADERS, detail)
                    .disagree(asked.log().to_string(), seen.log().to_string()))
            }
            Some(asked) if asked.position() >= seen.position() => Ok(self),
            _ => {
                self.token = Some(seen);
                Ok(self)
            }
        }
    }

    /// Judges an answer that comes from the log itself, up to its head. That is always fresh; only a token from beyond
    /// its end can't be met, and waiting would not help.
    ///
    /// # Errors
    ///
    /// [`Code::FOREIGN_TOKEN`], and [`Code::NOT_YET_CONSISTENT`] for a token beyond the head, unless a stale answer will
    /// do.
    pub fn of_log(&self, log: LogId, head: Position) -> Result<Consistency, Problem> {
        let mut stale = false;
        if let Some(token) = self.token {
            if token.log() != log && !token.asks_nothing() {
                return Err(foreign(log, token.log()));
            }
            if token.position() > head {
                stale = true;
                if !self.or_stale {
                    let wanted = token.position();
                    let detail = format!("the log ends at position {head}, but the token asks for {wanted}");
                    let problem = Problem::new(Code::NOT_YET_CONSISTENT, detail);
                    return Err(problem.progress(head, wanted, Duration::ZERO));
                }
            }
        }
        Ok(Consistency { applied: head, lag: Duration::ZERO, stale, token: Token::new(log, head) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wish {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// A token names a point of another log.
pub(crate) fn foreign(log: LogId, token: LogId) -> Problem {
    let detail =
        format!("the token belongs to the log {token}, but the answers here come from the log {log}");
    Problem::new(Code::FOREIGN_TOKEN, detail).disagree(log.to_string(), token.to_string())
}

fn token(headers: &HeaderMap, name: &str) -> Result<Option<Token>, Problem> {
    let Some(text) = single(headers, name, Code::BAD_TOKEN)? else { return Ok(None) };
    let bad = |error| Problem::new(Code::BAD_TOKEN, format!("the header `{name}`: {error}"));
    text.parse().map(Some).map_err(|error: cqrs_core::envelope::TokenError| bad(error))
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_str(value).expect("text"));
        }
        headers
    }

    fn code(given: &[(&'static str, &str)]) -> Code {
        let headers = headers(given);
        Wish::of(&headers).and_then(|wish| wish.resumed(&headers)).expect_err("refused").code()
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let token = Token::new(LogId::generate(), Position::new(7));
        let headers = headers(&[
            ("consistency-token", &token.to_string()),
            ("consistency-max-lag", "2s"),
            ("consistency-timeout", "500ms"),
            ("consistency-fallback", "stale"),
        ]);
        let wish = Wish::of(&headers).expect("read");
        let (second, half) = (Duration::from_secs(2), Duration::from_millis(500));
        assert_eq!(wish, Wish { token: Some(token), max_lag: Some(second), within: half, or_stale: true });
        assert_eq!(Wish::of(&HeaderMap::new()), Ok(Wish::default()));
    }

    #[test]
    fn what_is_given_twice_or_wrongly_is_refused_by_name() {
        let token = Token::new(LogId::generate(), Position::new(7)).to_string();
        assert_eq!(code(&[("consistency-token", &token), ("consistency-token", &token)]), Code::BAD_TOKEN);
        assert_eq!(code(&[("consistency-timeout", "1s"), ("consistency-timeout", "2s")]), Code::BAD_TIMEOUT);
        assert_eq!(code(&[("consistency-timeout", "31s")]), Code::BAD_TIMEOUT);
        assert_eq!(code(&[("consistency-max-lag", "soon")]), Code::BAD_MAX_LAG);
        assert_eq!(code(&[("consistency-fallback", "fresh")]), Code::BAD_FALLBACK);
        assert_eq!(code(&[("last-event-id", "")]), Code::BAD_TOKEN);
    }

    #[test]
    fn of_a_token_and_an_event_that_was_seen_the_later_one_counts() {
        let log = LogId::generate();
        let [early, late] = [3, 5].map(|position| Token::new(log, Position::new(position)));
        for (token, seen) in [(early, late), (late, early)] {
            let headers =
                headers(&[("consistency-token", &token.to_string()), ("last-event-id", &seen.to_string())]);
            let wish = Wish::of(&headers).and_then(|wish| wish.resumed(&headers)).expect("both can be met");
            assert_eq!(wish.token, Some(late));
        }
    }

    #[test]
    fn a_token_and_an_event_of_different_logs_contradict_each_other() {
        let [one, other] = [(); 2].map(|()| Token::new(LogId::generate(), Position::new(3)).to_string());
        let code = code(&[("consistency-token", &one), ("last-event-id", &other)]);
        assert_eq!(code, Code::CONTRADICTORY_HEADERS);
    }
}
