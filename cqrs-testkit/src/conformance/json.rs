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

/// Documents that a careless store may read back as others.
pub(crate) const PECULIAR_DOCUMENTS: &[&str] = &[
    "null",
    "[]",
    "{}",
    "7",
    "\"text\"",
    "[1,[2,{}],null]",
    r#"{"b":1,"a":{"d":[1,{"c":null}],"":" "}}"#,
    r#"{"int":9223372036854775807,"least":-9223372036854775808,"real":0.1,"whole":3.0,"tiny":5e-324}"#,
    r#"{"time":"2026-11-21T09:30:00.000Z","id":"0190d5f4-7c3a-7000-8000-000000000000","n":"12"}"#,
    r#"{"a":"\ud83d\ude00 \/ '; drop table events; --"}"#,
    r#"{"grüße":"世界 🦀"}"#,
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

/// The same JSON value as the same text: a read store may write fields in another order, and numbers in another form. A
/// text that is too deep to be read stays as it is.
pub(crate) fn canonical(text: &Json) -> Json {
    fn plain(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Number(number) => {
                // Beyond this, neighbours can't be told apart, and a float stays one.
                const EXACT: f64 = 9_007_199_254_740_992.0;
                if let (false, Some(real)) = (number.is_i64() || number.is_u64(), number.as_f64())
                    && real.fract() == 0.0
                    && real.abs() < EXACT
                {
                    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
                    let whole = real as i64;
                    *number = whole.into();
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(plain),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(plain),
            _ => {}
        }
    }
    let Ok(mut value) = text.parse::<serde_json::Value>() else { return text.clone() };
    plain(&mut value);
    value.sort_all_objects();
    Json::of(&value).expect("a value is JSON")
}
