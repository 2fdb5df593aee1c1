use std::str::FromStr;

use cqrs_core::{
    document::DateTime,
    envelope::{Json, Position},
    store::{Error, StoredDocument},
};
use mongodb::bson::{RawArray, RawBsonRef, RawDocument, error::Error as BsonError};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap, SerializeSeq},
};

use super::convert::number;
use crate::names::META;

/// What is stored is not what this store writes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(String);

impl Wrong {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<BsonError> for Wrong {
    fn from(error: BsonError) -> Self {
        Self(error.to_string())
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::corrupt(wrong.0)
    }
}

/// Reads a document, or the trace of a removed one.
pub(crate) fn stored(document: &RawDocument) -> Result<StoredDocument, Wrong> {
    let key = document.get_str("_id").map_err(|error| Wrong(format!("a document's key: {error}")))?;
    read(key, document).map_err(|Wrong(what)| Wrong(format!("the document {key:?}: {what}")))
}

fn read(key: &str, document: &RawDocument) -> Result<StoredDocument, Wrong> {
    let meta = Meta::of(document.get_document(META)?)?;
    let data = if meta.removed {
        None
    } else if let Some(whole) = meta.whole {
        let value = document.get(whole)?.ok_or_else(|| Wrong(format!("it has no field `{whole}`")))?;
        Some(Json::of(&Plain(value)))
    } else {
        Some(Json::of(&Fields { document, added: &meta.added }))
    };
    Ok(StoredDocument {
        key: key.to_owned(),
        created: meta.created,
        applied: meta.applied,
        data: data.transpose().map_err(|error| Wrong(error.to_string()))?,
    })
}

/// What the store notes of a document.
struct Meta<'a> {
    created: Position,
    applied: Position,
    removed: bool,
    added: Vec<&'a str>,
    whole: Option<&'a str>,
}

impl<'a> Meta<'a> {
    fn of(meta: &'a RawDocument) -> Result<Self, Wrong> {
        let removed = match meta.get("removed")? {
            Some(RawBsonRef::Document(removed)) => Some(removed),
            _ => None,
        };
        let added = match meta.get("added")? {
            Some(RawBsonRef::Array(added)) => added
                .into_iter()
                .map(|name| {
                    name?.as_str().ok_or_else(|| Wrong(format!("`{META}.added` has a name that is none")))
                })
                .collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        Ok(Self {
            created: position(removed.unwrap_or(meta), "created")?,
            applied: position(meta, "applied")?,
            removed: removed.is_some(),
            added,
            whole: meta.get("whole")?.and_then(RawBsonRef::as_str),
        })
    }
}

fn position(meta: &RawDocument, name: &str) -> Result<Position, Wrong> {
    meta.get(name)?
        .and_then(number)
        .map(Position::new)
        .ok_or_else(|| Wrong(format!("`{META}.{name}` is no position")))
}

/// The view's own fields.
struct Fields<'a> {
    document: &'a RawDocument,
    added: &'a [&'a str],
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for element in self.document {
            let (name, value) = element.map_err(S::Error::custom)?;
            let name = name.as_str();
            if !["_id", META].contains(&name) && !self.added.contains(&name) {
                map.serialize_entry(name, &Plain(value))?;
            }
        }
        map.end()
    }
}

/// A value as JSON.
struct Plain<'a>(RawBsonRef<'a>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            RawBsonRef::Null => serializer.serialize_unit(),
            RawBsonRef::Boolean(value) => serializer.serialize_bool(value),
            RawBsonRef::Int32(value) => serializer.serialize_i32(value),
            RawBsonRef::Int64(value) => serializer.serialize_i64(value),
            RawBsonRef::Double(value) => serializer.serialize_f64(value),
            RawBsonRef::String(text) => serializer.serialize_str(text),
            RawBsonRef::DateTime(date) => DateTime::from_millis(date.timestamp_millis())
                .map_err(S::Error::custom)?
                .serialize(serializer),
            RawBsonRef::Array(values) => list(values, serializer),
            RawBsonRef::Document(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for element in fields {
                    let (name, value) = element.map_err(S::Error::custom)?;
                    map.serialize_entry(name.as_str(), &Plain(value))?;
                }
                map.end()
            }
            other => Err(S::Error::custom(format!(
                "it has a value of the type {:?}, which this store does not write",
                other.element_type()
            ))),
        }
    }
}

fn list<S: Serializer>(values: &RawArray, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(None)?;
    for value in values {
        list.serialize_element(&Plain(value.map_err(S::Error::custom)?))?;
    }
    list.end()
}

/// A key of the application's own type.
pub(crate) fn key<K: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<K, Wrong> {
    text.parse().map_err(|error| Wrong(format!("the key {text:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{self, rawdoc};

    use super::*;

    fn json(document: &RawDocument) -> Option<String> {
        stored(document).expect("sound").data.map(|data| data.as_str().to_owned())
    }

    #[test]
    fn a_document_is_its_own_fields() {
        let document = rawdoc! {
            "_id": "k", "b": 1_i64, "added": 2_i64, "a": { "_id": 3_i64, "_cqrs": [bson::DateTime::from_millis(5)] },
            "_cqrs": { "created": 1_i64, "applied": 2_i64, "added": ["added"] },
        };
        let read = stored(&document).expect("sound");
        assert_eq!((read.key.as_str(), read.created.get(), read.applied.get()), ("k", 1, 2));
        let expected = r#"{"b":1,"a":{"_id":3,"_cqrs":["1970-01-01T00:00:00.005Z"]}}"#;
        assert_eq!(json(&document).as_deref(), Some(expected));
    }

    #[test]
    fn a_view_that_is_no_map_and_a_trace_are_told_from_others() {
        let meta = rawdoc! { "created": 1_i64, "applied": 2_i64, "whole": "value" };
        assert_eq!(json(&rawdoc! { "_id": "k", "value": 3.0, "_cqrs": meta }).as_deref(), Some("3.0"));
        let meta = rawdoc! { "applied": 2_i64, "removed": { "created": 1_i64 } };
        let trace = stored(&rawdoc! { "_id": "k", "_cqrs": meta }).expect("sound");
        assert_eq!((trace.created.get(), trace.applied.get(), trace.data), (1, 2, None));
    }

    #[test]
    fn what_a_foreign_hand_has_written_is_named() {
        let meta = rawdoc! { "created": 1_i64, "applied": 2_i64 };
        for (document, told) in [
            (rawdoc! { "_id": "k" }, META),
            (rawdoc! { "_id": "k", "_cqrs": { "created": 1_i64 } }, "applied"),
            (rawdoc! { "_id": "k", "_cqrs": { "created": -1_i64, "applied": 2_i64 } }, "created"),
            (rawdoc! { "_id": "k", "x": bson::oid::ObjectId::new(), "_cqrs": meta.clone() }, "ObjectId"),
            (rawdoc! { "_id": "k", "x": bson::DateTime::MAX, "_cqrs": meta }, ""),
        ] {
            let error = stored(&document).expect_err("a foreign hand").to_string();
            assert!(error.contains("\"k\"") && error.contains(told), "{error}");
        }
        stored(&rawdoc! { "_id": 7_i64 }).expect_err("a key that is no text");
    }
}
