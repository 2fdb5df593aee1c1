use cqrs_core::{
    domain::IndexValue,
    store::{After, Comparison, Direction, Error, Filter, Find, OrderBy, StoredDocument},
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
        let mut conditions = Conditions { all: vec!["NOT removed".to_owned()], values: Vec::new() };
        for filter in &find.filters {
            conditions.filter(&column(documents, &filter.index)?, filter);
        }
        let sorted = match &find.order {
            OrderBy::Created => "created".to_owned(),
            OrderBy::Index(name) => column(documents, name)?,
        };
        let place = match (&find.order, &find.after) {
            (_, None) => None,
            (OrderBy::Created, Some(After::Created(position, key))) => {
                Some((Value::Position(integer(position.get())), key))
            }
            (OrderBy::Index(_), Some(After::Index(value, key))) => Some((Value::Bytes(stored(value)), key)),
            (order, Some(after)) => return Err(no_place(after, order)),
        };
        let (direction, beyond) = match find.direction {
            Direction::Ascending => ("ASC", ">"),
            Direction::Descending => ("DESC", "<"),
        };
        if let Some((value, key)) = place {
            if let (true, Some(after)) = (!fit::can_be_key(key), &find.after) {
                return Err(no_place(after, &find.order));
            }
            let (value, key) = (conditions.bind(value), conditions.bind(Value::Text(key.clone())));
            conditions.all.push(format!("({sorted}, key) {beyond} ({value}, {key})"));
        }
        let Conditions { all, values } = conditions;
        // The limit is no parameter, for then PostgreSQL might plan for a page of any length.
        let select = format!(
            "SELECT {COLUMNS}, {sorted} AS sorted FROM {table} WHERE {conditions}
             ORDER BY {sorted} {direction}, key {direction} LIMIT {limit}",
            table = documents.table,
            conditions = all.join(" AND "),
            limit = i64::try_from(find.limit).unwrap_or(i64::MAX),
        );
        let order = format!(" ORDER BY document.sorted {direction}, document.key {direction}");
        Ok(Self { sql: documents.beside_progress(&select, &order), values })
    }

    /// The documents, and how far the projection has come; `None` where it is not known.
    pub(super) async fn run(
        &self,
        session: &mut Session,
        documents: &Documents,
    ) -> sqlx::Result<Option<(Vec<StoredDocument>, Progressed)>> {
        let query = bind_id(session.query(&self.sql), &documents.projection);
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

fn no_place(after: &After, order: &OrderBy) -> NoLookUp {
    NoLookUp::Other(Error::invalid(format!(
        "{after:?} is no place in the order {order:?}: begin at the first page"
    )))
}

/// What holds for all documents that are looked for, with the values of its placeholders.
struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Two values stand before all of these.
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + 2)
    }

    fn filter(&mut self, column: &str, filter: &Filter) {
        let condition = match &filter.comparison {
            Comparison::OneOf(values) => match values.as_slice() {
                // Not as one of several: PostgreSQL reads a page of one value along an index, without sorting.
                [value] => format!("{column} = {}", self.bind(Value::Bytes(stored(value)))),
                values => {
                    let values = values.iter().map(stored).collect();
                    format!("{column} = ANY({})", self.bind(Value::AnyOf(values)))
                }
            },
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
