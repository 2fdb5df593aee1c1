use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use crate::envelope::{Json, Position};

/// Stands for documents: two sets of documents that are not the same have, for all that can be expected of chance, another
/// one. Documents are the same whatever order their fields are in. It is no proof against one who means to deceive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// Of one document, or of the trace of a removed one.
    ///
    /// # Errors
    ///
    /// Where its data is no JSON.
    pub(super) fn of(
        key: &str,
        created: Position,
        applied: Position,
        data: Option<&Json>,
    ) -> Result<Self, serde_json::Error> {
        let mut text = Vec::new();
        write_text(key, &mut text);
        text.extend(applied.get().to_be_bytes());
        // A removed document was not created at any time.
        if let Some(data) = data {
            text.extend(created.get().to_be_bytes());
            write(&data.parse()?, &mut text);
        }
        Ok(Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, &text).as_u128()))
    }

    /// Adds a document, in any order.
    pub(super) const fn add(&mut self, document: Self) {
        self.0 = self.0.wrapping_add(document.0);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    to.extend((text.len() as u64).to_be_bytes());
    to.extend(text.as_bytes());
}

/// So that what is different is written differently, and what is the same is not.
fn write(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(b'n'),
        Value::Bool(value) => to.push(if *value { b't' } else { b'f' }),
        Value::Number(number) => {
            to.push(b'0');
            write_text(&number.to_string(), to);
        }
        Value::String(text) => {
            to.push(b'"');
            write_text(text, to);
        }
        Value::Array(values) => {
            to.push(b'[');
            to.extend((values.len() as u64).to_be_bytes());
            for value in values {
                write(value, to);
            }
        }
        Value::Object(fields) => {
            to.push(b'{');
            to.extend((fields.len() as u64).to_be_bytes());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in fields {
                write_text(name, to);
                write(value, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(key: &str, created: u64, applied: u64, data: &str) -> Digest {
        let data = Json::from_store(data);
        Digest::of(key, Position::new(created), Position::new(applied), Some(&data)).expect("it is JSON")
    }

    fn of(data: &str) -> Digest {
        digest("k", 1, 1, data)
    }

    #[test]
    fn documents_are_the_same_whatever_order_their_fields_are_in() {
        assert_eq!(of(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#), of(r#"{"b":{"d":null,"c":[1,2]}, "a":1}"#));
    }

    #[test]
    fn all_that_is_different_has_another_digest() {
        let all = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "1.5",
            r#""""#,
            r#""1""#,
            r#""null""#,
            "[]",
            "[[]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            r#"["1,2"]"#,
            "{}",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":[{"b":1}]}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            "18446744073709551615",
            "-1",
        ];
        let digests: std::collections::HashSet<Digest> = all.iter().map(|data| of(data)).collect();
        assert_eq!(digests.len(), all.len());
        let removed = Digest::of("k", Position::new(1), Position::new(1), None).expect("it is JSON");
        let others = [
            digest("k", 1, 1, "{}"),
            digest("l", 1, 1, "{}"),
            digest("k", 2, 1, "{}"),
            digest("k", 1, 2, "{}"),
            removed,
        ];
        assert_eq!(others.iter().collect::<std::collections::HashSet<_>>().len(), others.len());
    }
}
