//! Reads bodies within bounds, and says which field of one is wrong.

use std::{fmt, marker::PhantomData, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{Code, Problem};

/// Most bytes of a body.
pub const MAX: usize = 1024 * 1024;

/// Of a larger body this much is read and dropped, so that a client that is still sending gets to read the answer.
const DRAINED: usize = 16 * 1024 * 1024;

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Reads a body, within bounds: of at most [`MAX`] bytes, all there within 10 s.
///
/// # Errors
///
/// [`Code::BODY_TOO_LARGE`], [`Code::BODY_TIMEOUT`], and [`Code::BAD_BODY`] where the connection ends before the body does.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > DRAINED) {
        return Err(too_large());
    }
    tokio::time::timeout(ARRIVAL, gather(body)).await.unwrap_or_else(|_| {
        let detail = format!("the body was not all there after {} s", ARRIVAL.as_secs());
        Err(Problem::new(Code::BODY_TIMEOUT, detail))
    })
}

async fn gather(mut body: Body) -> Result<Vec<u8>, Problem> {
    let (mut read, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Problem::new(Code::BAD_BODY, format!("the body ended early: {error}")))?;
        let Some(data) = frame.data_ref() else { continue };
        length = length.saturating_add(data.len());
        if length <= MAX {
            read.extend_from_slice(data);
        } else if length > DRAINED {
            break;
        }
    }
    if length <= MAX { Ok(read) } else { Err(too_large()) }
}

fn too_large() -> Problem {
    Problem::new(Code::BODY_TOO_LARGE, format!("a body has at most {MAX} bytes"))
}

/// Checks that a body is JSON of any shape.
///
/// # Errors
///
/// [`Code::BAD_JSON`] where it is none.
pub fn check_json(body: &[u8]) -> Result<(), Problem> {
    let no_json =
        |error: &dyn fmt::Display| Problem::new(Code::BAD_JSON, format!("the body is no JSON: {error}"));
    let text = std::str::from_utf8(body).map_err(|error| no_json(&error))?;
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| no_json(&error))
}

/// Reads the JSON of a body.
///
/// # Errors
///
/// [`Code::BAD_JSON`] where it is none; `of_shape` where it has another shape, with the field that is wrong.
pub fn parse<T: DeserializeOwned>(body: &[u8], of_shape: Code) -> Result<T, Problem> {
    check_json(body)?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed: Result<Object<T>, _> = serde_path_to_error::deserialize(&mut json);
    parsed.map(|object| object.0).map_err(|error| {
        let (path, text) = (error.path().to_string(), error.inner().to_string());
        // The path says better where it is.
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        if path == "." { Problem::new(of_shape, text) } else { invalid(of_shape, &path, &text) }
    })
}

/// A value that is wrong, and where it stands.
pub fn invalid(code: Code, path: &str, error: &dyn fmt::Display) -> Problem {
    Problem::new(code, format!("`{path}`: {error}"))
}

/// A JSON object, where serde's own structs would take an array too.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    const INVALID: Code = Code::new("invalid", StatusCode::UNPROCESSABLE_ENTITY, "Not valid");

    #[derive(Debug, Deserialize)]
    struct Line {
        #[serde(rename = "quantity")]
        _quantity: u8,
    }

    #[derive(Debug, Deserialize)]
    struct Order {
        #[serde(rename = "lines")]
        _lines: Vec<Object<Line>>,
    }

    #[test]
    fn what_is_no_json_is_told_from_what_has_another_shape() {
        for text in [&b""[..], b"{", b"{\"lines\":5} x", b"{\"lines\":\"\xff\"}", b"nonsense"] {
            let problem = parse::<Order>(text, INVALID).expect_err("no JSON");
            assert_eq!(problem.code(), Code::BAD_JSON, "{text:?}");
        }
        let shapes = [
            ("[]", "an object"),
            ("[[]]", "an object"),
            ("{}", "`lines`"),
            (r#"{"lines":{}}"#, "`lines`"),
            (r#"{"lines":[],"lines":[]}"#, "duplicate field `lines`"),
            (r#"{"lines":[{"quantity":1},{"quantity":"1"}]}"#, "`lines[1].quantity`"),
            (r#"{"lines":[{"quantity":1},[1]]}"#, "`lines[1]`"),
            (r#"{"lines":[{}]}"#, "`quantity`"),
        ];
        for (text, named) in shapes {
            let problem = parse::<Order>(text.as_bytes(), INVALID).expect_err("another shape");
            assert_eq!(problem.code(), INVALID);
            assert!(problem.detail().contains(named), "{}", problem.detail());
        }
    }
}
