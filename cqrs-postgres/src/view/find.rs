use std::fmt::Write as _;

use cqrs_core::{
    domain::IndexValue,
    store::{After, Comparison, Direction, Error, Find, OrderBy, ProjectionId, StoredDocument},
};
use sqlx::SqlStr;

use super::{
    documents::{COLUMNS, Documents, with_progress},
    fit, names,
    projection::{Progressed, bind_id},
    value::{are_of_one_kind, beyond_kind, first_of_kind, stored},
};
use crate::database::{Session, integer};

/// A look-up, as PostgreSQL takes it.
#[derive(Debug)]
pub(super) struct LookUp {
    sql: SqlStr,
    values: Vec<Value>,
    /// There is just one good way to read it, whatever the values are.
    has_one_plan: bool,
}

#[derive(Debug)]
enum Value {
    Bytes(Vec<u8>),
    AnyOf(Vec<Vec<u8>>),
    Position(i64),
    Text(String),
}

/// Why there is no statement for a look-up.
#[derive(Debug)]
pub(super) enum NoLookUp {
    /// As far as this program knows, there is no such index.
    Index(Error),
    Other(Error),
}

impl LookUp {
    pub(super) fn new(documents: &Documents, find: &Find) -> Result<Self, NoLookUp> {
        let sorted = match &find.order {
            OrderBy::Created => "created".to_owned(),
            OrderBy::Index(name) => column(documents, name)?,
        };
        let mut filters = Vec::with_capacity(find.filters.len());
        for filter in &find.filters {
            filters.push((column(documents, &filter.index)?, &filter.comparison));
        }
        let mut conditions = Conditions { all: vec!["NOT removed".to_owned()], values: Vec::new() };
        let along = Along::new(&mut conditions, &filters, &sorted);
        if along.is_none() {
            for (column, comparison) in &filters {
                conditions.filter(column, comparison);
            }
        }
        let has_one_plan = along.is_some();
        let Along { mut columns, mut place } = along.unwrap_or_else(|| Along::of(&sorted));
        let (direction, beyond) = match find.direction {
            Direction::Ascending => ("ASC", ">"),
            Direction::Descending => ("DESC", "<"),
        };
        if let Some(after) = &find.after {
            let (value, key) = place_of(after, &find.order)?;
            if place.len() < columns.len() - 1 {
                place.push(conditions.bind(value));
            }
            place.push(conditions.bind(Value::Text(key.to_owned())));
            conditions.all.push(format!("({}) {beyond} ({})", columns.join(", "), place.join(", ")));
        }
        for column in &mut columns {
            write!(column, " {direction}").expect("a string takes all");
        }
        let Conditions { all, values } = conditions;
        // The limit is no parameter, for then PostgreSQL might plan for a page of any length.
        let select = format!(
            "SELECT {COLUMNS}, {sorted} AS sorted FROM {table} WHERE {conditions}
             ORDER BY {columns} LIMIT {limit}",
            table = documents.table,
            conditions = all.join(" AND "),
            columns = columns.join(", "),
            limit = i64::try_from(find.limit).unwrap_or(i64::MAX),
        );
        let order = format!(" ORDER BY document.sorted {direction}, document.key {direction}");
        Ok(Self { sql: documents.beside_progress(&select, &order), values, has_one_plan })
    }

    /// The documents, and how far the build has come, or the partition of it that is named; `None` where that is not known.
    pub(super) async fn run(
        &self,
        session: &mut Session,
        projection: &ProjectionId,
    ) -> sqlx::Result<Option<(Vec<StoredDocument>, Progressed)>> {
        let mut query = bind_id(session.query(&self.sql), projection);
        if !self.has_one_plan {
            // Planned each time, for its values: a plan for all of them would be one for the usual ones.
            query = query.persistent(false);
        }
        let query = self.values.iter().fold(query, |query, value| match value {
            Value::Bytes(value) => query.bind(value.as_slice()),
            Value::AnyOf(values) => query.bind(values.as_slice()),
            Value::Position(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.as_str()),
        });
        with_progress(&session.fetch(query).await?)
    }
}

fn column(documents: &Documents, index: &str) -> Result<String, NoLookUp> {
    if documents.indexes.iter().any(|declared| declared == index) {
        Ok(names::quoted(&names::column(index)))
    } else {
        let Documents { projection, indexes, .. } = documents;
        Err(NoLookUp::Index(Error::invalid(format!(
            "{projection} has no index `{index}`; it declares {indexes:?}"
        ))))
    }
}

/// The place that a page begins behind.
fn place_of<'f>(after: &'f After, order: &OrderBy) -> Result<(Value, &'f str), NoLookUp> {
    match (after, order) {
        (After::Created(position, key), OrderBy::Created) if fit::can_be_key(key) => {
            Ok((Value::Position(integer(position.get())), key))
        }
        (After::Index(value, key), OrderBy::Index(_)) if fit::can_be_key(key) => {
            Ok((Value::Bytes(stored(value)), key))
        }
        _ => Err(NoLookUp::Other(Error::invalid(format!(
            "{after:?} is no place in the order {order:?}: begin at the first page"
        )))),
    }
}

/// A B-tree along which a page is read, without sorting and without passing over what does not fit.
struct Along {
    columns: Vec<String>,
    /// The values of the first columns, where they are known.
    place: Vec<String>,
}

impl Along {
    fn of(sorted: &str) -> Self {
        Self { columns: vec![sorted.to_owned(), "key".to_owned()], place: Vec::new() }
    }

    /// The B-tree that has the documents of these filters, and only these, in this order; the conditions are then such
    /// that no other one will do. `None` where there is none, and no condition was added.
    fn new(conditions: &mut Conditions, filters: &[(String, &Comparison)], sorted: &str) -> Option<Self> {
        let (column, comparison) = match filters {
            [] => return Some(Self::of(sorted)),
            [(column, comparison)] => (column, comparison),
            _ => return None,
        };
        match comparison {
            // As a range, though it is of one value: for `=` PostgreSQL takes the column out of the order, and then
            // other indexes might seem to do as well, along which it would pass over documents by the thousand.
            Comparison::OneOf(values) if let [value] = values.as_slice() => {
                let is_sorted = column == sorted;
                if !is_sorted && sorted != "created" {
                    return None;
                }
                let value = conditions.bind(Value::Bytes(stored(value)));
                conditions.all.push(format!("{column} >= {value} AND {column} <= {value}"));
                if is_sorted {
                    return Some(Self::of(sorted));
                }
                let columns = [column, sorted, "key"].map(str::to_owned).to_vec();
                Some(Self { columns, place: vec![value] })
            }
            Comparison::Within { .. } if column == sorted => {
                conditions.filter(column, comparison);
                Some(Self::of(sorted))
            }
            _ => None,
        }
    }
}

/// What holds for all documents that are looked for, with the values of its placeholders.
struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Four values stand before all of these.
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + 4)
    }

    fn filter(&mut self, column: &str, comparison: &Comparison) {
        let condition = match comparison {
            Comparison::OneOf(values) => {
                let values = values.iter().map(stored).collect();
                format!("{column} = ANY({})", self.bind(Value::AnyOf(values)))
            }
            Comparison::Within { from, to } => match (from, to) {
                (None, None) => return,
                (Some(from), Some(to)) if !are_of_one_kind(from, to) => "FALSE".to_owned(),
                (from, to) => self.within(column, from.as_ref(), to.as_ref()),
            },
        };
        self.all.push(condition);
    }

    /// An open end is where values of another kind begin.
    fn within(&mut self, column: &str, from: Option<&IndexValue>, to: Option<&IndexValue>) -> String {
        let lower = from.map(stored).or_else(|| to.map(first_of_kind)).unwrap_or_default();
        let upper = to.map(stored).or_else(|| from.map(beyond_kind)).unwrap_or_default();
        let (lower, upper) = (self.bind(Value::Bytes(lower)), self.bind(Value::Bytes(upper)));
        format!("{column} >= {lower} AND {column} < {upper}")
    }
}
