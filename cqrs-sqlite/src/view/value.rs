use cqrs_core::domain::IndexValue;
use rusqlite::types::Value;

/// How an indexed value is stored.
///
/// SQLite sorts null, numbers, text, then blobs; booleans and moments are blobs, of one byte and of more, so that they
/// equal no number and no text, and come after them.
pub(super) fn stored(value: &IndexValue) -> Value {
    match value {
        IndexValue::Null => Value::Null,
        IndexValue::Bool(value) => Value::Blob(vec![u8::from(*value)]),
        IndexValue::Int(value) => Value::Integer(*value),
        // SQLite has no such number, and neither has JSON.
        IndexValue::Real(value) if value.is_nan() => Value::Null,
        IndexValue::Real(value) => Value::Real(*value),
        IndexValue::Text(value) => Value::Text(value.clone()),
        IndexValue::Time(time) => {
            // Flipping the sign lets moments before 1970 sort as bytes.
            let millis = (time.as_millis() ^ i64::MIN).to_be_bytes();
            Value::Blob([2].into_iter().chain(millis).collect())
        }
    }
}

/// Values that can be compared with each other, in the order of SQLite and of look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Null,
    Number,
    Text,
    Bool,
    Time,
}

impl Class {
    pub(super) const ALL: [Self; 5] = [Self::Null, Self::Number, Self::Text, Self::Bool, Self::Time];

    pub(super) fn of(value: &IndexValue) -> Self {
        match value {
            IndexValue::Null => Self::Null,
            IndexValue::Bool(_) => Self::Bool,
            IndexValue::Real(value) if value.is_nan() => Self::Null,
            IndexValue::Int(_) | IndexValue::Real(_) => Self::Number,
            IndexValue::Text(_) => Self::Text,
            IndexValue::Time(_) => Self::Time,
        }
    }

    /// What holds for just the values of this class in a column; written so that an index over it can be used.
    pub(super) fn condition(self, column: &str) -> String {
        match self {
            Self::Null => format!("{column} IS NULL"),
            Self::Number => format!("{column} < ''"),
            Self::Text => format!("{column} >= '' AND {column} < x''"),
            Self::Bool => format!("{column} >= x'' AND {column} < x'02'"),
            Self::Time => format!("{column} >= x'02'"),
        }
    }
}
