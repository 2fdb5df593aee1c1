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

use super::{Code, Problem};

/// Most bytes of a body.
const MAX: usize = 1024 * 1024;

/// Of a larger body this much is read and dropped, so that a client that is still sending gets to read the answer.
const DRAINED: usize = 16 * 1024 * 1024;

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Reads a body, within bounds.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > DRAINED) {
        return Err(too_large());
    }
    tokio::time::timeout(ARRIVAL, gather(body)).await.unwrap_or_else(|_| {
        let detail = format!("the body was not all there after {} s", ARRIVAL.as_secs());
        Err(Problem::new(Code::BodyTimeout, detail))
    })
}

async fn gather(mut body: Body) -> Result<Vec<u8>, Problem> {
    let (mut read, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Problem::new(Code::BadBody, format!("the body ended early: {error}")))?;
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
    Problem::new(Code::BodyTooLarge, format!("a body has at most {MAX} bytes"))
}

/// Checks that a body is JSON of any shape.
pub(super) fn check_json(body: &[u8]) -> Result<(), Problem> {
    let no_json =
        |error: &dyn fmt::Display| Problem::new(Code::BadJson, format!("the body is no JSON: {error}"));
    let text = std::str::from_utf8(body).map_err(|error| no_json(&error))?;
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| no_json(&error))
}

/// Reads the JSON of a body; an error names the field that is wrong.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    check_json(body)?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed: Result<Object<T>, _> = serde_path_to_error::deserialize(&mut json);
    parsed.map(|object| object.0).map_err(|error| {
        let (path, text) = (error.path().to_string(), error.inner().to_string());
        // The path says better where it is.
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        if path == "." { Problem::new(Code::InvalidOrder, text) } else { invalid(&path, &text) }
    })
}

/// A value that is wrong, and where it stands.
pub(super) fn invalid(path: &str, error: &dyn fmt::Display) -> Problem {
    Problem::new(Code::InvalidOrder, format!("`{path}`: {error}"))
}

/// A JSON object, where serde's own structs would take an array too.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

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
    use super::*;

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
            let problem = parse::<Order>(text).expect_err("no JSON");
            assert_eq!(problem.code(), Code::BadJson, "{text:?}");
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
            let problem = parse::<Order>(text.as_bytes()).expect_err("another shape");
            assert_eq!(problem.code(), Code::InvalidOrder);
            assert!(problem.detail().contains(named), "{}", problem.detail());
        }
    }
}
