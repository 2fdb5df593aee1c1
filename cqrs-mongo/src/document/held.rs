use std::fmt;

use cqrs_core::{document::Value, domain::IndexValue};
use mongodb::bson::{self, Bson};
use serde::{Serialize, Serializer, ser::Error as _};

/// MongoDB takes no document that is nested deeper.
const MAX_DEPTH: usize = 100;

/// How many names of a path an error shows.
const SHOWN_NAMES: usize = 8;

/// What MongoDB can't hold, and where in the document it stands.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Innermost first.
    path: Vec<String>,
    why: String,
}

impl Misfit {
    fn new(why: impl Into<String>) -> Self {
        Self { path: Vec::new(), why: why.into() }
    }

    fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().take(SHOWN_NAMES).map(String::as_str).collect();
        write!(f, "its field {:?}: {}", path.join("."), self.why)
    }
}

/// Checks a field of a document.
pub(super) fn check_field(name: &str, value: &Value) -> Result<(), Misfit> {
    check_name(name).and_then(|()| check(value, 1)).map_err(|misfit| misfit.within(name))
}

/// Checks a value that stands in a document or list of this depth.
fn check(value: &Value, depth: usize) -> Result<(), Misfit> {
    match value {
        Value::UInt(number) => Err(Misfit::new(format!(
            "the number {number} is beyond 64-bit signed integers, MongoDB's largest"
        ))),
        Value::List(_) | Value::Map(_) if depth == MAX_DEPTH => Err(Misfit::new(format!(
            "it is nested deeper than {MAX_DEPTH} levels, which MongoDB does not take"
        ))),
        Value::List(values) => (0..).zip(values).try_for_each(|(at, value): (usize, _)| {
            check(value, depth + 1).map_err(|misfit| misfit.within(&at.to_string()))
        }),
        Value::Map(fields) => fields.iter().try_for_each(|(name, value)| {
            check_name(name).and_then(|()| check(value, depth + 1)).map_err(|misfit| misfit.within(name))
        }),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Misfit> {
    if name.contains('\0') {
        return Err(Misfit::new("its name has U+0000, which MongoDB does not take in names"));
    }
    Ok(())
}

/// A value that MongoDB can hold, as BSON: whole numbers have 64 bits, moments are dates.
pub(super) struct Held<'a>(pub(super) &'a Value);

impl Serialize for Held<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Real(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Time(time) => bson::DateTime::from_millis(time.as_millis()).serialize(serializer),
            Value::List(values) => serializer.collect_seq(values.iter().map(Held)),
            Value::Map(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Held(value))))
            }
            _ => Err(S::Error::custom("it has a value of a kind that this store does not know")),
        }
    }
}

/// An indexed value as BSON.
pub(crate) fn index_value(value: &IndexValue) -> Bson {
    match value {
        IndexValue::Null => Bson::Null,
        IndexValue::Bool(value) => Bson::Boolean(*value),
        IndexValue::Int(value) => Bson::Int64(*value),
        // JSON has no such number, so neither have documents.
        IndexValue::Real(value) if value.is_nan() => Bson::Null,
        IndexValue::Real(value) => Bson::Double(*value),
        IndexValue::Text(value) => Bson::String(value.clone()),
        IndexValue::Time(time) => Bson::DateTime(bson::DateTime::from_millis(time.as_millis())),
    }
}

/// What a field has to hold so that MongoDB finds the document by an indexed value: `None` where it holds something
/// else.
pub(super) fn agreed(field: &Value, index: &IndexValue) -> Option<Value> {
    let agrees = match (field, index) {
        (Value::Null, IndexValue::Null) => true,
        (Value::Null, IndexValue::Real(real)) => real.is_nan(),
        (Value::Bool(field), IndexValue::Bool(index)) => field == index,
        (Value::Int(field), IndexValue::Int(index)) => field == index,
        (Value::Real(field), IndexValue::Real(index)) => field.total_cmp(index).is_eq(),
        (Value::Text(field), IndexValue::Text(index)) => field == index,
        (Value::Time(field), IndexValue::Time(index)) => field == index,
        // A document that came as text has no moments, but its index tells.
        (Value::Text(field), IndexValue::Time(index)) if *field == index.to_string() => {
            return Some(Value::Time(*index));
        }
        _ => false,
    };
    agrees.then(|| field.clone())
}

#[cfg(test)]
mod tests {
    use cqrs_core::document::DateTime;
    use mongodb::bson::spec::ElementType;

    use super::*;

    fn raw(value: &Value) -> bson::error::Result<bson::RawDocumentBuf> {
        bson::RawDocumentBuf::from_bytes(bson::serialize_to_vec(&Held(value))?)
    }

    fn map(fields: &[(&str, Value)]) -> Value {
        Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn whole_numbers_have_64_bits_and_moments_are_dates() {
        let time = DateTime::from_millis(-5).expect("in range");
        let value = map(&[
            ("small", Value::Int(1)),
            ("real", Value::Real(1.0)),
            ("time", Value::Time(time)),
            ("list", Value::List(vec![Value::Int(2), Value::Time(time)])),
        ]);
        let document = raw(&value).expect("it fits");
        let types: Vec<ElementType> =
            document.iter().map(|element| element.expect("sound").1.element_type()).collect();
        let expected = [ElementType::Int64, ElementType::Double, ElementType::DateTime, ElementType::Array];
        assert_eq!(types, expected);
        let list = document.get_array("list").expect("a list");
        let types: Vec<ElementType> =
            list.into_iter().map(|element| element.expect("sound").element_type()).collect();
        assert_eq!(types, [ElementType::Int64, ElementType::DateTime]);
    }

    #[test]
    fn what_mongodb_can_not_hold_is_named() {
        let told = |value: &Value| check_field("top", value).expect_err("it does not fit").to_string();
        let number = map(&[("totals", Value::List(vec![Value::Int(1), Value::UInt(u64::MAX)]))]);
        let error = told(&number);
        assert!(error.contains("\"top.totals.1\"") && error.contains("18446744073709551615"), "{error}");
        let error = told(&map(&[("a\0b", Value::Null)]));
        assert!(error.contains("a\\0b") && error.contains("U+0000"), "{error}");
        check_field("a\0b", &Value::Null).expect_err("also at the top");
        let maps = |levels| (1..levels).fold(map(&[]), |inner, _| map(&[("a", inner)]));
        let lists = |levels| (1..levels).fold(Value::List(vec![]), |inner, _| Value::List(vec![inner]));
        // The document itself is a level.
        for value in [maps(MAX_DEPTH - 1), lists(MAX_DEPTH - 1)] {
            check_field("top", &value).expect("at the limit");
        }
        for value in [maps(MAX_DEPTH), lists(MAX_DEPTH)] {
            let error = told(&value);
            assert!(error.contains("nested") && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn a_field_agrees_with_an_index_of_the_same_value() {
        let time = DateTime::from_millis(7).expect("in range");
        assert_eq!(agreed(&Value::Int(1), &IndexValue::Int(1)), Some(Value::Int(1)));
        assert_eq!(agreed(&Value::Int(1), &IndexValue::Int(2)), None);
        assert_eq!(agreed(&Value::Int(1), &IndexValue::Text("1".to_owned())), None);
        assert_eq!(agreed(&Value::Null, &IndexValue::Real(f64::NAN)), Some(Value::Null));
        let text = Value::Text(time.to_string());
        assert_eq!(agreed(&text, &IndexValue::Time(time)), Some(Value::Time(time)), "a document from text");
        let other = Value::Text("1970-01-01T00:00:00.008Z".to_owned());
        assert_eq!(agreed(&other, &IndexValue::Time(time)), None);
    }
}
