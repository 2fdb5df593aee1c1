use cqrs_core::{
    domain::IndexValue,
    store::{After, Comparison, Direction, Error, Filter, Find, OrderBy, ProjectionId},
};
use mongodb::bson::{Bson, Document, doc};

use crate::{
    document::{index_value, integer},
    names::CREATED,
};

/// More can't be asked for at once: a command is one document of MongoDB.
const MAX_FILTER_BYTES: usize = 12 << 20;

/// A look-up as MongoDB understands it. The documents that fit are those of the first filter, then those of the next,
/// and so on: more than one only where a page goes on behind a value, as MongoDB compares values within one type only.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) filters: Vec<Document>,
    pub(crate) sort: Document,
}

/// Translates a look-up of a projection that declares these indexes.
pub(crate) fn query(projection: &ProjectionId, indexes: &[String], find: &Find) -> Result<Query, Error> {
    let check = |index: &str| {
        if indexes.iter().any(|declared| declared == index) {
            return Ok(());
        }
        Err(Error::invalid(format!("{projection} has no index `{index}`; it declares {indexes:?}")))
    };
    let mut conditions = vec![doc! { CREATED: { "$exists": true } }];
    let mut nothing = find.limit == 0;
    for Filter { index, comparison } in &find.filters {
        check(index)?;
        match condition(index, comparison) {
            Picked::All => {}
            Picked::These(condition) => conditions.push(condition),
            Picked::None => nothing = true,
        }
    }
    let (by, places) = match (&find.order, &find.after) {
        (OrderBy::Created, None) => (CREATED, vec![]),
        (OrderBy::Created, Some(After::Created(position, key))) => {
            let place = behind(CREATED, integer(position.get()).into(), key, find.direction);
            (CREATED, vec![place])
        }
        (OrderBy::Index(name), None) => {
            check(name)?;
            (name.as_str(), vec![])
        }
        (OrderBy::Index(name), Some(After::Index(value, key))) => {
            check(name)?;
            (name.as_str(), places_behind(name, value, key, find.direction))
        }
        (order, Some(after)) => {
            return Err(Error::invalid(format!(
                "{after:?} is no place in the order {order:?}: begin at the first page"
            )));
        }
    };
    let direction = match find.direction {
        Direction::Ascending => 1,
        Direction::Descending => -1,
    };
    let filters = if nothing {
        Vec::new()
    } else if places.is_empty() {
        vec![all_of(conditions)]
    } else {
        places.into_iter().map(|place| all_of(conditions.iter().cloned().chain([place]))).collect()
    };
    check_size(&filters)?;
    Ok(Query { filters, sort: doc! { by: direction, "_id": direction } })
}

fn all_of(conditions: impl IntoIterator<Item = Document>) -> Document {
    doc! { "$and": conditions.into_iter().map(Bson::from).collect::<Vec<_>>() }
}

fn check_size(filters: &[Document]) -> Result<(), Error> {
    for filter in filters {
        let bytes = mongodb::bson::serialize_to_vec(filter)
            .map_err(|error| Error::invalid(format!("a look-up that MongoDB can't be asked: {error}")))?
            .len();
        if bytes > MAX_FILTER_BYTES {
            return Err(Error::invalid(format!(
                "the values to look up have {bytes} bytes, but the limit is {MAX_FILTER_BYTES}"
            )));
        }
    }
    Ok(())
}

/// Which documents a condition picks.
enum Picked {
    All,
    These(Document),
    None,
}

fn condition(index: &str, comparison: &Comparison) -> Picked {
    match comparison {
        Comparison::OneOf(values) => match values.as_slice() {
            [] => Picked::None,
            // A field that is missing is null.
            [value] => Picked::These(doc! { index: { "$eq": index_value(value) } }),
            values => {
                let values: Vec<Bson> = values.iter().map(index_value).collect();
                Picked::These(doc! { index: { "$in": values } })
            }
        },
        Comparison::Within { from, to } => within(index, from.as_ref(), to.as_ref()),
    }
}

/// MongoDB compares with values of the bound's type only.
fn within(index: &str, from: Option<&IndexValue>, to: Option<&IndexValue>) -> Picked {
    let Some(kind) = from.or(to).map(Kind::of) else { return Picked::All };
    if to.is_some_and(|to| kind == Kind::Null || Kind::of(to) != kind) {
        return Picked::None;
    }
    if kind == Kind::Null {
        return Picked::These(doc! { index: { "$eq": Bson::Null } });
    }
    let mut bounds = Document::new();
    bounds.extend(from.map(|from| ("$gte".to_owned(), index_value(from))));
    bounds.extend(to.map(|to| ("$lt".to_owned(), index_value(to))));
    Picked::These(doc! { index: bounds })
}

/// Behind a value and a key, within the values of its type. The first part bounds what is read of an index, the second
/// one leaves out what has the same value and comes before.
fn behind(field: &str, value: Bson, key: &str, direction: Direction) -> Document {
    let (at_or_behind, behind) = match direction {
        Direction::Ascending => ("$gte", "$gt"),
        Direction::Descending => ("$lte", "$lt"),
    };
    if value == Bson::Null {
        return doc! { field: { "$eq": Bson::Null }, "_id": { behind: key } };
    }
    doc! {
        field: { at_or_behind: value.clone() },
        "$or": [{ field: { behind: value } }, { "_id": { behind: key } }],
    }
}

/// Behind a value and a key: first among values of its type, then among those of the types that come after it.
fn places_behind(field: &str, value: &IndexValue, key: &str, direction: Direction) -> Vec<Document> {
    let kind = Kind::of(value);
    let later: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|other| match direction {
            Direction::Ascending => *other > kind,
            Direction::Descending => *other < kind,
        })
        .collect();
    let mut places = vec![behind(field, index_value(value), key, direction)];
    let types: Vec<&str> = later.iter().filter_map(|kind| kind.mongo_type()).collect();
    let mut rest = Vec::new();
    if !types.is_empty() {
        rest.push(doc! { field: { "$type": types } });
    }
    if later.contains(&Kind::Null) {
        rest.push(doc! { field: { "$eq": Bson::Null } });
    }
    match rest.len() {
        0 => {}
        1 => places.extend(rest),
        _ => places.push(doc! { "$or": rest }),
    }
    places
}

/// Values that can be compared with each other, in MongoDB's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Null,
    Number,
    Text,
    Bool,
    Time,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Null, Self::Number, Self::Text, Self::Bool, Self::Time];

    fn of(value: &IndexValue) -> Self {
        match value {
            IndexValue::Null => Self::Null,
            IndexValue::Real(value) if value.is_nan() => Self::Null,
            IndexValue::Int(_) | IndexValue::Real(_) => Self::Number,
            IndexValue::Text(_) => Self::Text,
            IndexValue::Bool(_) => Self::Bool,
            IndexValue::Time(_) => Self::Time,
        }
    }

    /// `None` for null, which a missing field is, too.
    const fn mongo_type(self) -> Option<&'static str> {
        match self {
            Self::Null => None,
            Self::Number => Some("number"),
            Self::Text => Some("string"),
            Self::Bool => Some("bool"),
            Self::Time => Some("date"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(order: OrderBy, after: Option<After>, direction: Direction) -> Find {
        Find { filters: vec![], order, direction, after, limit: 10 }
    }

    fn ask(find: &Find) -> Result<Query, Error> {
        query(&ProjectionId::new("p", 1), &["x".to_owned()], find)
    }

    #[test]
    fn a_first_page_is_one_question() {
        for order in [OrderBy::Created, OrderBy::Index("x".to_owned())] {
            assert_eq!(ask(&page(order, None, Direction::Descending)).expect("sound").filters.len(), 1);
        }
    }

    #[test]
    fn a_page_goes_on_in_the_types_that_come_after() {
        let by = |value: IndexValue, direction| {
            let after = After::Index(value, "k".to_owned());
            let query = ask(&page(OrderBy::Index("x".to_owned()), Some(after), direction)).expect("sound");
            query.filters.get(1).map(ToString::to_string)
        };
        let after_text = by(IndexValue::Text(String::new()), Direction::Ascending).expect("more");
        assert!(after_text.contains(r#"["bool", "date"]"#) && !after_text.contains("null"), "{after_text}");
        let before_text = by(IndexValue::Text(String::new()), Direction::Descending).expect("more");
        assert!(before_text.contains(r#"["number"]"#) && before_text.contains("null"), "{before_text}");
        assert_eq!(by(IndexValue::Null, Direction::Descending), None, "nothing comes before null");
    }

    #[test]
    fn a_place_of_another_order_is_refused() {
        let after = After::Index(IndexValue::Null, "k".to_owned());
        let error =
            ask(&page(OrderBy::Created, Some(after), Direction::Ascending)).expect_err("another order");
        assert!(error.to_string().contains("first page"), "{error}");
    }

    #[test]
    fn more_values_than_a_command_holds_are_refused() {
        let values = vec![IndexValue::Text("x".repeat(1 << 20)); 13];
        let filters = vec![Filter { index: "x".to_owned(), comparison: Comparison::OneOf(values) }];
        let find = Find { filters, ..page(OrderBy::Created, None, Direction::Ascending) };
        let error = ask(&find).expect_err("too many");
        assert!(error.to_string().contains("limit"), "{error}");
    }
}
