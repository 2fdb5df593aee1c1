use crate::{
    domain::IndexValue,
    envelope::{Json, Position},
};

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
    /// The position of the last event that is folded into it.
    pub applied: Position,
    /// Put or remove.
    pub change: Change,
}

/// Put or remove a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Store it, whether it exists or not.
    Put {
        /// The document.
        data: Json,
        /// The values of its indexed fields, in the order in which the projection declares them.
        indexes: Vec<IndexValue>,
    },
    /// Leave a trace only.
    Remove,
}
