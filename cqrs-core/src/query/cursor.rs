use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    domain::IndexValue,
    envelope::Position,
    store::{After, OrderBy},
};

/// Where a page ended: the next one goes on after it. Opaque text, safe in a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    projection: String,
    order: OrderBy,
    after: After,
}

/// A cursor as it is written: the projection, the order (an index, or none), the value, the key.
#[derive(Serialize, Deserialize)]
struct Written(String, Option<String>, serde_json::Value, String);

impl Cursor {
    pub(super) fn new(projection: &str, order: OrderBy, after: After) -> Self {
        Self { projection: projection.to_owned(), order, after }
    }

    /// The place in an order, if the cursor is one of that projection and order.
    pub(super) fn after(&self, projection: &str, order: &OrderBy) -> Result<After, CursorError> {
        let fits = self.order == *order;
        if fits && self.projection == projection { Ok(self.after.clone()) } else { Err(CursorError(())) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = match &self.order {
            OrderBy::Created => None,
            OrderBy::Index(index) => Some(index.clone()),
        };
        let (value, key) = match &self.after {
            After::Created(position, key) => (serde_json::Value::from(position.get()), key),
            After::Index(IndexValue::Null, key) => (serde_json::Value::Null, key),
            After::Index(IndexValue::Bool(value), key) => ((*value).into(), key),
            After::Index(IndexValue::Int(value), key) => ((*value).into(), key),
            After::Index(IndexValue::Real(value), key) => ((*value).into(), key),
            After::Index(IndexValue::Text(value), key) => (value.as_str().into(), key),
        };
        let written = Written(self.projection.clone(), index, value, key.clone());
        let json = serde_json::to_vec(&written).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(text).ok()?;
            let Written(projection, index, value, key) = serde_json::from_slice(&json).ok()?;
            let (order, after) = match index {
                None => (OrderBy::Created, After::Created(Position::new(value.as_u64()?), key)),
                Some(index) => (OrderBy::Index(index), After::Index(IndexValue::of(&value).ok()?, key)),
            };
            Some(Self { projection, order, after })
        };
        read().ok_or(CursorError(()))
    }
}

/// A text is not a cursor of this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cursor is not one of this query; give back a page's `next` exactly as it was received, with the same order"
)]
pub struct CursorError(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        let values = [
            IndexValue::Null,
            IndexValue::Bool(true),
            IndexValue::Int(-3),
            IndexValue::Real(0.5),
            IndexValue::Text("ä/?".into()),
        ];
        let by_index = |value| (OrderBy::Index("status".into()), After::Index(value, "k 1".into()));
        let mut places: Vec<_> = values.into_iter().map(by_index).collect();
        places.push((OrderBy::Created, After::Created(Position::new(u64::MAX), "k".into())));
        for (order, after) in places {
            let cursor = Cursor::new("orders", order, after);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let cursor = Cursor::new(
            "orders",
            OrderBy::Index("status".into()),
            After::Index(IndexValue::Null, "k".into()),
        );
        assert!(cursor.after("orders", &OrderBy::Index("status".into())).is_ok());
        assert!(cursor.after("orders", &OrderBy::Index("total".into())).is_err());
        assert!(cursor.after("orders", &OrderBy::Created).is_err());
        assert!(cursor.after("customers", &OrderBy::Index("status".into())).is_err());
        for nonsense in ["", "x", "bm9uc2Vuc2U", "…"] {
            assert!(nonsense.parse::<Cursor>().is_err());
        }
    }
}
