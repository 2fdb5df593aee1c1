use cqrs_core::{
    domain::IndexValue,
    store::{After, Comparison, Direction, Error, Filter, Find, OrderBy, ProjectionId, StoredDocument},
};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{
    documents::{COLUMNS, document},
    names,
    value::{Class, stored},
};
use crate::file::{Doing, integer};

const DOING: &str = "looks documents up";

/// More can't be bound to one statement of SQLite.
const MAX_VALUES: usize = 32_000;

/// Finds documents of a projection with these declared indexes.
pub(super) fn find(
    connection: &Connection,
    projection: &ProjectionId,
    indexes: &[String],
    find: &Find,
) -> Result<Vec<StoredDocument>, Error> {
    let declared = Declared { projection, indexes };
    let mut query = Query { conditions: vec!["removed = 0".to_owned()], values: Vec::new() };
    for filter in &find.filters {
        query.filter(&declared.column(&filter.index)?, filter);
    }
    if query.values.len() > MAX_VALUES {
        let count = query.values.len();
        return Err(Error::invalid(format!("{count} values to look up, but the limit is {MAX_VALUES}")));
    }
    let select = Select { connection, table: names::table(projection), direction: find.direction };
    match (&find.order, &find.after) {
        (OrderBy::Created, None) => select.page(query, "created", find.limit),
        (OrderBy::Created, Some(After::Created(position, key))) => {
            let position = Value::Integer(integer(position.get()));
            query.after("created", position, key, find.direction);
            select.page(query, "created", find.limit)
        }
        (OrderBy::Index(name), None) => select.by_index(&query, &declared.column(name)?, None, find.limit),
        (OrderBy::Index(name), Some(After::Index(value, key))) => {
            select.by_index(&query, &declared.column(name)?, Some((value, key)), find.limit)
        }
        (order, Some(after)) => Err(Error::invalid(format!(
            "{after:?} is no place in the order {order:?}: begin at the first page"
        ))),
    }
}

struct Declared<'a> {
    projection: &'a ProjectionId,
    indexes: &'a [String],
}

impl Declared<'_> {
    fn column(&self, index: &str) -> Result<String, Error> {
        if self.indexes.iter().any(|declared| declared == index) {
            return Ok(names::column(index));
        }
        let Self { projection, indexes } = self;
        Err(Error::invalid(format!("{projection} has no index `{index}`; it declares {indexes:?}")))
    }
}

/// Conditions, all of which hold, with the values of their placeholders.
#[derive(Clone)]
struct Query {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Query {
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn filter(&mut self, column: &str, filter: &Filter) {
        match &filter.comparison {
            Comparison::OneOf(values) => {
                let mut any = Vec::new();
                let mut bound = Vec::new();
                for value in values {
                    match stored(value) {
                        Value::Null => any.push(Class::Null.condition(column)),
                        value => bound.push(self.bind(value)),
                    }
                }
                any.truncate(1);
                if !bound.is_empty() {
                    any.push(format!("{column} IN ({})", bound.join(", ")));
                }
                let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
                self.conditions.push(format!("({any})"));
            }
            Comparison::Within { from, to } => self.within(column, from.as_ref(), to.as_ref()),
        }
    }

    fn within(&mut self, column: &str, from: Option<&IndexValue>, to: Option<&IndexValue>) {
        let Some(class) = from.or(to).map(Class::of) else { return };
        if to.is_some_and(|to| class == Class::Null || Class::of(to) != class) {
            self.conditions.push("FALSE".to_owned());
            return;
        }
        self.conditions.push(class.condition(column));
        for (bound, comparison) in [(from, ">="), (to, "<")] {
            if let Some(bound) = bound.filter(|_| class != Class::Null) {
                let bound = self.bind(stored(bound));
                self.conditions.push(format!("{column} {comparison} {bound}"));
            }
        }
    }

    fn after(&mut self, column: &str, value: Value, key: &str, direction: Direction) {
        let beyond = match direction {
            Direction::Ascending => ">",
            Direction::Descending => "<",
        };
        let key = Value::Text(key.to_owned());
        let condition = if value == Value::Null {
            format!("key {beyond} {}", self.bind(key))
        } else {
            format!("({column}, key) {beyond} ({}, {})", self.bind(value), self.bind(key))
        };
        self.conditions.push(condition);
    }
}

struct Select<'a> {
    connection: &'a Connection,
    table: String,
    direction: Direction,
}

impl Select<'_> {
    /// Goes through the classes of values one by one: a place after null can't be told by a comparison.
    fn by_index(
        &self,
        query: &Query,
        column: &str,
        after: Option<(&IndexValue, &String)>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, Error> {
        let mut classes = Class::ALL;
        if self.direction == Direction::Descending {
            classes.reverse();
        }
        let first = after.map_or(classes[0], |(value, _)| Class::of(value));
        let mut found = Vec::new();
        for class in classes.into_iter().skip_while(|class| *class != first) {
            let mut query = query.clone();
            query.conditions.push(class.condition(column));
            if let Some((value, key)) = after.filter(|_| class == first) {
                query.after(column, stored(value), key, self.direction);
            }
            let rest = limit - found.len();
            if rest > 0 {
                found.extend(self.page(query, column, rest)?);
            }
        }
        Ok(found)
    }

    fn page(&self, mut query: Query, column: &str, limit: usize) -> Result<Vec<StoredDocument>, Error> {
        let limit = query.bind(Value::Integer(integer(limit as u64)));
        let direction = match self.direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let (table, conditions) = (&self.table, query.conditions.join(" AND "));
        let sql = format!(
            "SELECT {COLUMNS} FROM {table} WHERE {conditions}
             ORDER BY {column} {direction}, key {direction} LIMIT {limit}"
        );
        let page = || {
            self.connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(query.values), document)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        page().doing(DOING)
    }
}
