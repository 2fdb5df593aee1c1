use crate::{domain::IndexValue, envelope::Position};

/// A look-up of documents on declared indexes. Documents that were removed are not found.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// All of these hold.
    pub filters: Vec<Filter>,
    /// What the documents are sorted by; ties are sorted by key.
    pub order: OrderBy,
    /// Of the order, and of the ties.
    pub direction: Direction,
    /// Go on after this place.
    pub after: Option<After>,
    /// The most documents to return.
    pub limit: usize,
}

/// A condition on one index.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The index.
    pub index: String,
    /// What its value must be.
    pub comparison: Comparison,
}

/// What an indexed value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// One of these; none: nothing is found. `Null` equals `Null`.
    OneOf(Vec<IndexValue>),
    /// Not before `from`, and before `to`. Values of one type are compared by their own order (text by its bytes);
    /// a value of another type is never within.
    Within {
        /// The first value that is within.
        from: Option<IndexValue>,
        /// The first value that is beyond.
        to: Option<IndexValue>,
    },
}

/// What documents are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// The event that created them.
    Created,
    /// An indexed value: null, then numbers, then text (by its bytes), then booleans, then moments.
    Index(String),
}

/// First to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The place of a document in an order.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// In the order of creation.
    Created(Position, String),
    /// In the order of an index.
    Index(IndexValue, String),
}
