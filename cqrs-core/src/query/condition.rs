use std::{
    borrow::Borrow,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
};

use serde::Serialize;

use super::QueryError;
use crate::{
    domain::{Index, IndexValue},
    store::{Comparison, Filter},
};

/// A condition on a declared index of `P`, such as `OrderSummary::customer_id().eq(&customer)`.
#[derive(Debug)]
#[must_use = "a condition does nothing until it is given to `filter`"]
pub struct Condition<P> {
    pub(super) filter: Result<Filter, QueryError>,
    marker: PhantomData<fn() -> P>,
}

impl<P> Condition<P> {
    fn new(index: &'static str, comparison: Result<Comparison, serde_json::Error>) -> Self {
        let filter = comparison
            .map(|comparison| Filter { index: index.to_owned(), comparison })
            .map_err(|source| QueryError::Condition { index, source });
        Self { filter, marker: PhantomData }
    }
}

impl<P, T: Serialize> Index<P, T> {
    /// The field equals `value`, which may be borrowed in another form: `&str` of a `String`.
    pub fn eq<Q>(self, value: &Q) -> Condition<P>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.one_of(std::iter::once(value))
    }

    /// The field equals one of `values`; of none, nothing is found.
    pub fn one_of<'v, Q>(self, values: impl IntoIterator<Item = &'v Q>) -> Condition<P>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized + 'v,
    {
        let values: Result<Vec<_>, _> = values.into_iter().map(IndexValue::of).collect();
        Condition::new(self.name, values.map(Comparison::OneOf))
    }

    /// The field is within `range`: from a value on (`a..`), before one (`..b`), or both (`a..b`). Other ranges are
    /// refused when the query runs.
    pub fn within(self, range: impl RangeBounds<T>) -> Condition<P> {
        use serde::ser::Error as _;
        let refuse = |what| Err(serde_json::Error::custom(what));
        let from = match range.start_bound() {
            Bound::Included(value) => IndexValue::of(value).map(Some),
            Bound::Unbounded => Ok(None),
            Bound::Excluded(_) => refuse("a range on an index starts with a value that is within it"),
        };
        let to = match range.end_bound() {
            Bound::Excluded(value) => IndexValue::of(value).map(Some),
            Bound::Unbounded => Ok(None),
            Bound::Included(_) => refuse("a range on an index ends before a value: use `a..b`, not `a..=b`"),
        };
        Condition::new(self.name, from.and_then(|from| Ok(Comparison::Within { from, to: to? })))
    }
}
