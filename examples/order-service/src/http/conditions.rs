use axum::http::HeaderMap;
use cqrs_core::envelope::Version;
use utoipa::IntoParams;

use super::{Code, Problem, request::single};

/// What a command's headers may ask for.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers")]
pub(super) struct ConditionParams {
    /// 1 to 255 visible ASCII characters: the same key with the same request returns the first answer again, byte
    /// for byte, and does nothing.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
    /// Only if the order is at this version, in double quotes; `*` for any version of an order that exists.
    #[param(rename = "If-Match", example = "\"1\"")]
    if_match: Option<String>,
}

/// What a command's headers ask for.
pub(super) struct Conditions {
    /// Runs the command once, however often it is sent.
    pub(super) key: Option<String>,
    /// Runs the command on this version alone.
    pub(super) version: Option<Version>,
}

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

impl Conditions {
    /// Those of a command to an order that is there.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let version = match if_match(headers)? {
            Some(IfMatch::Version(version)) => Some(version),
            // A missing order is `order_not_found` anyway.
            Some(IfMatch::Any) | None => None,
        };
        Ok(Self { key: key(headers)?, version })
    }

    /// Those of a command that makes a new order.
    pub(super) fn of_new(headers: &HeaderMap) -> Result<Self, Problem> {
        if if_match(headers)? == Some(IfMatch::Any) {
            let detail = "`If-Match: *` asks for an order that exists, but this makes a new one";
            return Err(Problem::new(Code::BadIfMatch, detail));
        }
        Self::of(headers)
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = single(headers, "idempotency-key", Code::BadIdempotencyKey)? else { return Ok(None) };
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key.to_owned()));
    }
    let detail =
        format!("the header `Idempotency-Key` has 1 to {MAX_KEY} visible ASCII characters, no spaces");
    Err(Problem::new(Code::BadIdempotencyKey, detail))
}

#[derive(Debug, PartialEq, Eq)]
enum IfMatch {
    Any,
    Version(Version),
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Problem> {
    let Some(text) = single(headers, "if-match", Code::BadIfMatch)? else { return Ok(None) };
    if text == "*" {
        return Ok(Some(IfMatch::Any));
    }
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let number = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    match number.and_then(|number| number.parse().ok()) {
        Some(version) => Ok(Some(IfMatch::Version(Version::new(version)))),
        None => Err(Problem::new(
            Code::BadIfMatch,
            "the header `If-Match` has one version in double quotes, such as `\"3\"`, or `*`",
        )),
    }
}
