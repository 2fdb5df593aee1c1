use cqrs_core::envelope::Json;

pub(crate) fn json(text: impl Into<String>) -> Json {
    Json::from_text(text.into()).expect("the suite's own JSON is JSON")
}

/// JSON of this many bytes.
pub(crate) fn json_of_length(bytes: usize) -> Json {
    json(format!("\"{}\"", "x".repeat(bytes - 2)))
}

/// Texts that a store has to give back to the byte.
pub(crate) const PECULIAR_JSON: &[&str] = &[
    "null",
    "[]",
    r#"{"b":1,"a":2,"b":3}"#,
    r#"{ "spaces" :  [ 1 , 2 ]  }"#,
    "12345678901234567890123456789.000010",
    "1e400",
    r#""\u0000 \ud83d\ude00 \/ '; drop table events; --""#,
    "\"grüße, 世界 🦀\"",
];

/// Names that differ, though a careless store may take some for the same.
pub(crate) const PECULIAR_NAMES: &[&str] = &[
    "a",
    "A",
    "a ",
    " a",
    "á",
    "a\u{301}",
    "%",
    "_",
    "a%",
    "a_",
    "ab",
    "*",
    "'",
    "\"",
    "\\",
    "a/b",
    "a:b",
    "a-b",
    "a.b",
    "a'; drop table events; --",
    "0",
    "00",
    "0.0",
    "1e0",
    "null",
    "NULL",
    "世界",
    "🦀",
];
