use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use cqrs_core::envelope::Version;

use crate::{Code, Problem, header::single};

/// What a command's headers may ask for, as [`Conditions`] reads them.
#[cfg(feature = "utoipa")]
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers")]
pub struct ConditionParams {
    /// 1 to 255 visible ASCII characters: the same key with the same request returns the first answer again, byte
    /// for byte, and does nothing.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
    /// Only if it is at this version, in double quotes; `*` for any version of what exists.
    #[param(rename = "If-Match", example = "\"1\"")]
    if_match: Option<String>,
}

/// What a command's headers ask for, as an extractor: `Idempotency-Key` and `If-Match`.
///
/// Refuses, as [`Code::BAD_IDEMPOTENCY_KEY`] and [`Code::BAD_IF_MATCH`], what can't be read, and a header that is given
/// more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `Idempotency-Key`, 1 to 255 visible ASCII characters: runs the command once, however often it is sent.
    pub key: Option<String>,
    /// `If-Match: "3"`: runs the command on this version alone.
    pub version: Option<Version>,
    /// `If-Match: *`: there has to be something to run it on.
    pub exists: bool,
    /// The command makes something new.
    pub(crate) creates: bool,
}

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

impl Conditions {
    /// Reads the headers.
    ///
    /// # Errors
    ///
    /// As the extractor.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let (version, exists) = match if_match(headers)? {
            Some(IfMatch::Version(version)) => (Some(version), false),
            Some(IfMatch::Any) => (None, true),
            None => (None, false),
        };
        Ok(Self { key: key(headers)?, version, exists, creates: false })
    }

    /// For a command that makes something new.
    ///
    /// # Errors
    ///
    /// [`Code::BAD_IF_MATCH`] for `If-Match: *`, which contradicts it.
    pub fn creating(self) -> Result<Self, Problem> {
        if self.exists {
            let detail = "`If-Match: *` asks for what exists, but this makes something new";
            return Err(Problem::new(Code::BAD_IF_MATCH, detail));
        }
        Ok(Self { creates: true, ..self })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = single(headers, "idempotency-key", Code::BAD_IDEMPOTENCY_KEY)? else { return Ok(None) };
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key.to_owned()));
    }
    let detail =
        format!("the header `Idempotency-Key` has 1 to {MAX_KEY} visible ASCII characters, no spaces");
    Err(Problem::new(Code::BAD_IDEMPOTENCY_KEY, detail))
}

#[derive(Debug, PartialEq, Eq)]
enum IfMatch {
    Any,
    Version(Version),
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Problem> {
    let Some(text) = single(headers, "if-match", Code::BAD_IF_MATCH)? else { return Ok(None) };
    if text == "*" {
        return Ok(Some(IfMatch::Any));
    }
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let number = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    match number.and_then(|number| number.parse().ok()) {
        Some(version) => Ok(Some(IfMatch::Version(Version::new(version)))),
        None => Err(Problem::new(
            Code::BAD_IF_MATCH,
            "the header `If-Match` has one version in double quotes, such as `\"3\"`, or `*`",
        )),
    }
}
