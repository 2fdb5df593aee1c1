use serde::Serialize;

use crate::{
    document::Value,
    domain::IndexValue,
    envelope::{Json, Position},
};

/// How a store takes documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// As JSON text.
    #[default]
    Text,
    /// As a tree of values: a store with types of its own, such as dates.
    Tree,
}

/// A document that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// JSON text.
    Text(Json),
    /// A tree of values.
    Tree(Value),
}

impl Data {
    /// Serialises a view.
    ///
    /// # Errors
    ///
    /// Where its `Serialize` fails, or has a map with keys that are not text; in a tree, also for a whole number beyond
    /// 64 bits.
    pub fn of<T: Serialize + ?Sized>(view: &T, format: DataFormat) -> Result<Self, serde_json::Error> {
        Ok(match format {
            DataFormat::Text => Self::Text(Json::of(view)?),
            DataFormat::Tree => Self::Tree(Value::of(view)?),
        })
    }

    /// As JSON text; a tree is written out.
    ///
    /// # Errors
    ///
    /// None for a tree of [`Data::of`].
    pub fn into_text(self) -> Result<Json, serde_json::Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Tree(value) => Json::of(&value),
        }
    }

    /// The text, where it is one.
    pub const fn as_text(&self) -> Option<&Json> {
        match self {
            Self::Text(text) => Some(text),
            Self::Tree(_) => None,
        }
    }

    /// As a tree; text is read, and has no moments.
    ///
    /// # Errors
    ///
    /// Where a text is no JSON.
    pub fn into_tree(self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Text(text) => text.parse::<serde_json::Value>().map(Value::from),
            Self::Tree(value) => Ok(value),
        }
    }
}

impl From<Json> for Data {
    fn from(text: Json) -> Self {
        Self::Text(text)
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self::Tree(value)
    }
}

/// A document as a view store holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDocument {
    /// The document's key.
    pub key: String,
    /// The position of the event that created it.
    pub created: Position,
    /// The position of the last event that is folded into it.
    pub applied: Position,
    /// The document; `None` where an event has removed it. The trace that is left keeps a later event from being
    /// mistaken for one that came too early.
    pub data: Option<Json>,
}

/// What a batch does to one document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentWrite {
    /// The document's key.
    pub key: String,
    /// The position of the event that created it.
    pub created: Position,
    /// The position of the last event that is folded into it: beyond that of the document it takes the place of. A
    /// store whose batches are no transactions passes over a write that is not, for it has that state already.
    pub applied: Position,
    /// Put or remove.
    pub change: Change,
}

/// Put or remove a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Store it, whether it exists or not.
    Put {
        /// The document, best in the store's own [format](super::ViewStore::format).
        data: Data,
        /// The values of its indexed fields, in the order in which the projection declares them.
        indexes: Vec<IndexValue>,
    },
    /// Leave a trace only.
    Remove,
}
