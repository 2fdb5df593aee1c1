use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{DateTime, serializer::ValueSerializer};

/// A document, or a part of one: JSON's values, and moments.
///
/// The fields of a map are in the order in which the type writes them. What is no number in JSON (a float's infinities)
/// is null, as in JSON.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number within `i64`.
    Int(i64),
    /// A whole number beyond it.
    UInt(u64),
    /// A floating-point number, neither infinite nor NaN.
    Real(f64),
    /// Text.
    Text(String),
    /// A moment.
    Time(DateTime),
    /// Several.
    List(Vec<Self>),
    /// Named ones.
    Map(Vec<(String, Self)>),
}

impl Value {
    /// Makes a document of anything that can be serialised.
    ///
    /// # Errors
    ///
    /// Where the value's `Serialize` fails, has a map with keys that are not text, or a whole number beyond 64 bits.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        value.serialize(ValueSerializer)
    }

    /// The field of this name; `None` where it has none, or is no map.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::UInt(value),
                (None, None) => number.as_f64().map_or(Self::Null, Self::real),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => {
                Self::Map(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

impl Value {
    pub(super) fn real(value: f64) -> Self {
        if value.is_finite() { Self::Real(value) } else { Self::Null }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::UInt(value) => serializer.serialize_u64(*value),
            Self::Real(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Time(time) => time.serialize(serializer),
            Self::List(values) => serializer.collect_seq(values),
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::envelope::Json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Unit,
        One(u8),
        Pair(u8, String),
        Named { at: DateTime },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(i32);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { at: DateTime, b: Option<bool> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        at: DateTime,
        maybe: Option<DateTime>,
        none: Option<u8>,
        text: String,
        letter: char,
        small: f32,
        large: u64,
        list: Vec<DateTime>,
        pair: (i8, bool),
        unit: (),
        kinds: Vec<Kind>,
        wrapped: Wrapped,
        tagged: Tagged,
        by_number: BTreeMap<u32, Kind>,
        by_time: BTreeMap<DateTime, i64>,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }

    fn all() -> All {
        let at: DateTime = "2026-11-21T09:30:00.120Z".parse().expect("a time");
        All {
            at,
            maybe: Some(at),
            none: None,
            text: "grüße \0".to_owned(),
            letter: 'ß',
            small: 0.1,
            large: u64::MAX,
            list: vec![at, at],
            pair: (-1, true),
            unit: (),
            kinds: vec![Kind::Unit, Kind::One(1), Kind::Pair(2, "x".to_owned()), Kind::Named { at }],
            wrapped: Wrapped(7),
            tagged: Tagged::A { at, b: Some(true) },
            by_number: BTreeMap::from([(3, Kind::Unit)]),
            by_time: BTreeMap::from([(at, 4)]),
            rest: BTreeMap::from([("more".to_owned(), 5)]),
        }
    }

    #[test]
    fn a_value_is_what_its_json_is() {
        let value = Value::of(&all()).expect("serialisable");
        let by_value = serde_json::to_string(&value).expect("JSON");
        let direct = serde_json::to_string(&all()).expect("JSON");
        // But for the shortest form of an `f32`, which is none of an `f64`.
        assert_eq!(by_value.replace("0.10000000149011612", "0.1"), direct);
        assert_eq!(serde_json::from_str::<All>(&by_value).expect("the same type"), all());
    }

    #[test]
    fn moments_are_kept_as_such_wherever_they_stand() {
        let value = Value::of(&all()).expect("serialisable");
        let at = Value::Time(all().at);
        assert_eq!(value.field("at"), Some(&at));
        assert_eq!(value.field("maybe"), Some(&at));
        assert_eq!(value.field("list"), Some(&Value::List(vec![at.clone(), at.clone()])));
        assert_eq!(value.field("tagged").and_then(|tagged| tagged.field("at")), Some(&at));
        assert_eq!(Value::of(&"2026-11-21T09:30:00.120Z").expect("text").field("at"), None);
        assert!(matches!(Value::of(&"2026-11-21T09:30:00.120Z"), Ok(Value::Text(_))), "text stays text");
    }

    #[test]
    fn numbers_that_json_has_not_are_refused_or_null() {
        assert_eq!(Value::of(&f64::NAN).expect("null"), Value::Null);
        assert_eq!(Value::of(&1.0_f64).expect("a float"), Value::Real(1.0));
        assert_eq!(Value::of(&i128::from(i64::MIN)).expect("small enough"), Value::Int(i64::MIN));
        let error = Value::of(&u128::MAX).expect_err("too large");
        assert!(error.to_string().contains("beyond 64 bits"), "{error}");
    }

    #[test]
    fn raw_json_is_taken_for_what_it_says() {
        let json = Json::from_text(r#"{"a":[1,null,2.5,"x"]}"#.to_owned()).expect("JSON");
        let list = vec![Value::Int(1), Value::Null, Value::Real(2.5), Value::Text("x".to_owned())];
        assert_eq!(Value::of(&json).expect("JSON").field("a"), Some(&Value::List(list)));
    }

    #[test]
    fn keys_that_are_no_text_are_refused() {
        let error = Value::of(&BTreeMap::from([(vec![1], 1)])).expect_err("no text");
        assert!(error.to_string().contains("key"), "{error}");
    }
}
