use std::{fmt, future::IntoFuture, marker::PhantomData};

use super::{
    Answer, Condition, Cursor, Page, QueryError, Source, View,
    freshness::{Demand, demand_methods},
};
use crate::{
    domain::{Index, Projection},
    store::{After, BoxFuture, Direction, Filter, Find, OrderBy, ProjectionId, StoredDocument},
};

/// A query for the views of a projection; await it for a [`Page`].
///
/// Without further words: all views, in the order in which they were created, 50 of them.
#[must_use = "a query does nothing until it is awaited"]
pub struct ViewsQuery<P> {
    source: Source,
    filters: Vec<Result<Filter, QueryError>>,
    order: OrderBy,
    direction: Direction,
    after: Option<Cursor>,
    limit: usize,
    demand: Demand,
    marker: PhantomData<fn() -> P>,
}

impl<P: Projection> ViewsQuery<P> {
    /// The most views that one page may have.
    pub const MAX_LIMIT: usize = 1_000;

    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            filters: Vec::new(),
            order: OrderBy::Created,
            direction: Direction::Ascending,
            after: None,
            limit: 50,
            demand: Demand::default(),
            marker: PhantomData,
        }
    }

    /// Only views for which this holds; several conditions hold all together.
    pub fn filter(mut self, condition: Condition<P>) -> Self {
        self.filters.push(condition.filter);
        self
    }

    /// Those created first come first: the default.
    pub fn oldest_first(mut self) -> Self {
        (self.order, self.direction) = (OrderBy::Created, Direction::Ascending);
        self
    }

    /// Those created last come first.
    pub fn newest_first(mut self) -> Self {
        (self.order, self.direction) = (OrderBy::Created, Direction::Descending);
        self
    }

    /// Sorted by an index, smallest first; ties by key.
    pub fn sorted_by<T>(mut self, index: Index<P, T>) -> Self {
        (self.order, self.direction) = (OrderBy::Index(index.name.to_owned()), Direction::Ascending);
        self
    }

    /// Sorted by an index, largest first; ties by key, largest first.
    pub fn sorted_down_by<T>(mut self, index: Index<P, T>) -> Self {
        (self.order, self.direction) = (OrderBy::Index(index.name.to_owned()), Direction::Descending);
        self
    }

    /// At most this many, 1 to [`MAX_LIMIT`](Self::MAX_LIMIT). Default: 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Goes on where a page ended. Each view is found at most once, however the views change meanwhile, unless its
    /// own place in the order changes.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.after = Some(cursor.clone());
        self
    }

    demand_methods!();

    async fn run(self) -> Result<Answer<Page<P>>, QueryError> {
        let Self { source, filters, order, direction, after, limit, demand, .. } = self;
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(QueryError::Limit { limit, max: Self::MAX_LIMIT });
        }
        let projection = ProjectionId::of::<P>();
        // One more than asked for tells whether there is a next page.
        let filters = filters.into_iter().collect::<Result<_, _>>()?;
        let mut find = Find { filters, order, direction, after: None, limit: limit + 1 };
        find.after = after.map(|cursor| cursor.after(P::NAME, &find)).transpose()?;
        let started = tokio::time::Instant::now();
        let judged = demand
            .meet(&source, &projection, None, |views| {
                let (projection, find) = (projection.clone(), find.clone());
                Box::pin(async move { views.find(&projection, &find).await })
            })
            .await?;
        let provenance = demand.accept(&source, projection.clone(), &judged, started)?;
        let page = page(judged.value, limit, &find);
        let page = page.map_err(|error| error.while_building(&projection, provenance.building))?;
        Ok(Answer::new(page, provenance))
    }
}

fn page<P: Projection>(
    documents: Vec<StoredDocument>,
    limit: usize,
    find: &Find,
) -> Result<Page<P>, QueryError> {
    let more = documents.len() > limit;
    let mut items = Vec::with_capacity(documents.len().min(limit));
    for document in documents.into_iter().take(limit) {
        items.extend(View::<P>::read(&document)?);
    }
    let next = match items.last() {
        Some(last) if more => Some(Cursor::new(P::NAME, find, place_of(last, &find.order)?)),
        _ => None,
    };
    Ok(Page { items, next })
}

fn place_of<P: Projection>(view: &View<P>, order: &OrderBy) -> Result<After, QueryError> {
    let key = view.key.to_string();
    let OrderBy::Index(name) = order else { return Ok(After::Created(view.created, key)) };
    let unreadable = |source| QueryError::Document { projection: P::NAME, key: key.clone(), source };
    let values = view.document.index_values().map_err(|error| unreadable(Box::new(error)))?;
    let value = P::INDEXES.iter().zip(values).find(|(spec, _)| spec.name == name).map(|(_, value)| value);
    value
        .map(|value| After::Index(value, key.clone()))
        .ok_or_else(|| unreadable(format!("its type gives no value for the index `{name}`").into()))
}

impl<P: Projection> IntoFuture for ViewsQuery<P> {
    type Output = Result<Answer<Page<P>>, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<P: Projection> fmt::Debug for ViewsQuery<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewsQuery")
            .field("projection", &P::NAME)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
