use cqrs_core::domain::IndexValue;
use rusqlite::types::Value;

/// How an indexed value is stored.
///
/// SQLite sorts null, numbers, text, then blobs; a boolean is a blob of one byte, so that it equals no number. That
/// booleans come before numbers is the affair of whoever sorts.
pub(super) fn stored(value: &IndexValue) -> Value {
    match value {
        IndexValue::Null => Value::Null,
        IndexValue::Bool(value) => Value::Blob(vec![u8::from(*value)]),
        IndexValue::Int(value) => Value::Integer(*value),
        // SQLite has no such number, and neither has JSON.
        IndexValue::Real(value) if value.is_nan() => Value::Null,
        IndexValue::Real(value) => Value::Real(*value),
        IndexValue::Text(value) => Value::Text(value.clone()),
    }
}

/// Values that can be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Null,
    Bool,
    Number,
    Text,
}

impl Class {
    pub(super) fn of(value: &IndexValue) -> Self {
        match value {
            IndexValue::Null => Self::Null,
            IndexValue::Bool(_) => Self::Bool,
            IndexValue::Real(value) if value.is_nan() => Self::Null,
            IndexValue::Int(_) | IndexValue::Real(_) => Self::Number,
            IndexValue::Text(_) => Self::Text,
        }
    }

    /// What holds for just the values of this class in a column; written so that an index over it can be used.
    pub(super) fn condition(self, column: &str) -> String {
        match self {
            Self::Null => format!("{column} IS NULL"),
            Self::Bool => format!("{column} >= x''"),
            Self::Number => format!("{column} < ''"),
            Self::Text => format!("{column} >= '' AND {column} < x''"),
        }
    }
}
