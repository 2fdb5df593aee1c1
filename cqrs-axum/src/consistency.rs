use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};
use cqrs_core::{
    envelope::{Position, Token},
    query::Provenance,
};
use serde::{Serialize, Serializer};

use crate::duration;

/// The header that carries a token, both ways.
pub const TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const POSITION: HeaderName = HeaderName::from_static("consistency-position");
const LAG: HeaderName = HeaderName::from_static("consistency-lag");
const STALE: HeaderName = HeaderName::from_static("consistency-stale");

/// How fresh an answer is, as its headers say: `Consistency-Position`, `Consistency-Lag`, `Consistency-Stale` and
/// `Consistency-Token`. Part of a response: `(Consistency::from(answer.provenance), Json(body))`. Serialised, it has the same
/// members without their prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Consistency {
    /// All events up to here are in the answer.
    #[serde(rename = "position", serialize_with = "number")]
    #[cfg_attr(feature = "utoipa", schema(value_type = u64))]
    pub applied: Position,
    /// How far it may be behind.
    #[serde(serialize_with = "time")]
    #[cfg_attr(feature = "utoipa", schema(value_type = String, example = "12ms"))]
    pub lag: Duration,
    /// It is less fresh than asked for.
    pub stale: bool,
    /// Given to the next query, that one is not older.
    #[cfg_attr(feature = "utoipa", schema(value_type = String))]
    pub token: Token,
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's own signature")]
fn number<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(position.get())
}

fn time<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration::format(*time))
}
