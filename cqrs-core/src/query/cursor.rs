use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    document::DateTime,
    domain::IndexValue,
    envelope::Position,
    store::{After, Comparison, Direction, Filter, Find, OrderBy},
};

/// Where a page ended: the next one goes on after it. Opaque text, safe in a URL. It belongs to the query that it
/// comes from: projection, conditions and order; limit and freshness may change.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    query: u64,
    after: After,
}

/// A cursor as it is written: the query's fingerprint, whether it goes by an index, the value, the key.
#[derive(Serialize, Deserialize)]
struct Written(u64, bool, serde_json::Value, String);

impl Cursor {
    /// The end of a page of the query `find`.
    pub(super) fn new(projection: &str, find: &Find, after: After) -> Self {
        Self { query: fingerprint(projection, find), after }
    }

    /// The place, if the cursor is one of the query `find`.
    pub(super) fn after(&self, projection: &str, find: &Find) -> Result<After, CursorError> {
        if self.query == fingerprint(projection, find) {
            Ok(self.after.clone())
        } else {
            Err(CursorError(()))
        }
    }
}

/// Hash of all that decides which documents come in which order.
fn fingerprint(projection: &str, find: &Find) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut mix = |text: &str| {
        hash = crate::__private::combine(hash, text.len() as u64);
        for byte in text.bytes() {
            hash = crate::__private::combine(hash, byte.into());
        }
    };
    mix(projection);
    mix(match &find.order {
        OrderBy::Created => "",
        OrderBy::Index(index) => index,
    });
    mix(match find.direction {
        Direction::Ascending => "up",
        Direction::Descending => "down",
    });
    for Filter { index, comparison } in &find.filters {
        mix(index);
        match comparison {
            Comparison::OneOf(values) => values.iter().for_each(|value| mix(&json(value).to_string())),
            Comparison::Within { from, to } => {
                mix("within");
                for bound in [from, to] {
                    mix(&bound.as_ref().map(json).map(|value| value.to_string()).unwrap_or_default());
                }
            }
        }
    }
    hash
}

fn json(value: &IndexValue) -> serde_json::Value {
    match value {
        IndexValue::Null => serde_json::Value::Null,
        IndexValue::Bool(value) => (*value).into(),
        IndexValue::Int(value) => (*value).into(),
        IndexValue::Real(value) => (*value).into(),
        IndexValue::Text(value) => value.as_str().into(),
        IndexValue::Time(time) => serde_json::json!({ "time": time.as_millis() }),
    }
}

fn index_value(json: &serde_json::Value) -> Option<IndexValue> {
    match json.get("time") {
        Some(millis) => Some(IndexValue::Time(DateTime::from_millis(millis.as_i64()?).ok()?)),
        None => IndexValue::of(json).ok(),
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by_index, value, key) = match &self.after {
            After::Created(position, key) => (false, serde_json::Value::from(position.get()), key),
            After::Index(value, key) => (true, json(value), key),
        };
        let written = Written(self.query, by_index, value, key.clone());
        let json = serde_json::to_vec(&written).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(text).ok()?;
            let Written(query, by_index, value, key) = serde_json::from_slice(&json).ok()?;
            let after = if by_index {
                After::Index(index_value(&value)?, key)
            } else {
                After::Created(Position::new(value.as_u64()?), key)
            };
            Some(Self { query, after })
        };
        read().ok_or(CursorError(()))
    }
}

/// A text is not a cursor of this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cursor is not one of this query; give back a page's `next` as it was received, with the same conditions and order"
)]
pub struct CursorError(());

#[cfg(test)]
mod tests {
    use super::*;

    fn by(order: OrderBy) -> Find {
        Find { filters: Vec::new(), order, direction: Direction::Ascending, after: None, limit: 1 }
    }

    #[test]
    fn a_cursor_survives_its_text_form() {
        let values = [
            IndexValue::Null,
            IndexValue::Bool(true),
            IndexValue::Int(-3),
            IndexValue::Real(0.5),
            IndexValue::Text("ä/?".into()),
            IndexValue::Time(DateTime::from_millis(-1).expect("in range")),
        ];
        let mut places: Vec<_> = values.into_iter().map(|value| After::Index(value, "k 1".into())).collect();
        places.push(After::Created(Position::new(u64::MAX), "k".into()));
        for after in places {
            let cursor = Cursor::new("orders", &by(OrderBy::Created), after);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let find = by(OrderBy::Index("status".into()));
        let cursor = Cursor::new("orders", &find, After::Index(IndexValue::Null, "k".into()));
        assert!(cursor.after("orders", &find).is_ok());
        assert!(cursor.after("orders", &Find { limit: 9, ..find.clone() }).is_ok());
        let comparison = Comparison::OneOf(vec![IndexValue::Int(1)]);
        let filtered = |index: &str, comparison| Find {
            filters: vec![Filter { index: index.into(), comparison }],
            ..find.clone()
        };
        let others = [
            by(OrderBy::Index("total".into())),
            by(OrderBy::Created),
            Find { direction: Direction::Descending, ..find.clone() },
            filtered("status", comparison.clone()),
            filtered("customer", comparison),
        ];
        for (at, other) in others.iter().enumerate() {
            assert!(cursor.after("orders", other).is_err(), "{at}");
            let own = Cursor::new("orders", other, After::Created(Position::ZERO, "k".into()));
            assert!(own.after("orders", other).is_ok());
            assert!(others.iter().filter(|it| own.after("orders", it).is_ok()).count() == 1, "{at}");
        }
        assert!(cursor.after("customers", &find).is_err());
        for nonsense in ["", "x", "bm9uc2Vuc2U", "…"] {
            assert!(nonsense.parse::<Cursor>().is_err());
        }
    }
}
