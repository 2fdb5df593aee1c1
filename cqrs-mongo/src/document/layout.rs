use cqrs_core::{
    document::Value,
    domain::IndexValue,
    store::{Change, CommitError, DocumentWrite, Error, ProjectionId},
};
use mongodb::bson::{self, Bson, RawDocumentBuf};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    convert::integer,
    held::{Held, agreed, check_field, index_value},
};
use crate::names::META;

/// How a projection's documents are written.
pub(crate) struct Layout<'a> {
    pub(crate) projection: &'a ProjectionId,
    /// The declared indexes, in the order in which the values come.
    pub(crate) indexes: &'a [String],
    /// The most bytes that a document may have.
    pub(crate) limit: usize,
}

/// A document, or the trace of a removed one, as it will be stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) applied: i64,
    pub(crate) document: RawDocumentBuf,
}

impl Layout<'_> {
    /// Lays a document out.
    pub(crate) fn row(&self, write: DocumentWrite) -> Result<Row, CommitError> {
        let DocumentWrite { key, created, applied, change } = write;
        let (created, applied) = (integer(created.get()), integer(applied.get()));
        let written = match change {
            Change::Put { data, indexes } => {
                self.check_count(&key, indexes.len())?;
                let value = data.into_tree().map_err(|error| self.unfit(&key, &error))?;
                let view = View::of(value, self.indexes, &indexes).map_err(|why| self.unfit(&key, &why))?;
                let meta = Meta::Live { created, applied, added: &view.added, whole: view.whole.as_deref() };
                bson::serialize_to_vec(&Laid { key: &key, view: Some(&view), meta })
            }
            Change::Remove => bson::serialize_to_vec(&Laid {
                key: &key,
                view: None,
                meta: Meta::Removed { created, applied },
            }),
        };
        let document =
            written.and_then(RawDocumentBuf::from_bytes).map_err(|error| self.unfit(&key, &error))?;
        let size = document.as_bytes().len();
        if size > self.limit {
            return Err(self.too_large(key, size));
        }
        Ok(Row { key, applied, document })
    }

    fn check_count(&self, key: &str, given: usize) -> Result<(), Error> {
        let (projection, declared) = (self.projection, self.indexes.len());
        if given == declared {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the document {key:?} of {projection} has {given} index values, but {declared} indexes are declared"
        )))
    }

    pub(crate) fn unfit(&self, key: &str, reason: &dyn ToString) -> CommitError {
        CommitError::Unfit {
            projection: self.projection.clone(),
            key: key.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn too_large(&self, key: String, size: usize) -> CommitError {
        CommitError::TooLarge { projection: self.projection.clone(), key, size, limit: self.limit }
    }
}

/// The fields of a document, the values of declared indexes included.
struct View {
    fields: Vec<(String, Value)>,
    /// Index values that the view does not show by itself.
    beside: Vec<(String, Bson)>,
    /// The names of those.
    added: Vec<String>,
    /// The field that holds the whole view, where that is no map.
    whole: Option<String>,
}

impl View {
    fn of(value: Value, names: &[String], indexes: &[IndexValue]) -> Result<Self, String> {
        let (mut fields, whole) = match value {
            Value::Map(fields) => (fields, None),
            other => {
                let name = free_name(names);
                (vec![(name.clone(), other)], Some(name))
            }
        };
        for (name, value) in &fields {
            check_name(name)?;
            check_field(name, value).map_err(|misfit| misfit.to_string())?;
        }
        let mut view = Self { fields: Vec::new(), beside: Vec::new(), added: Vec::new(), whole };
        for (name, index) in names.iter().zip(indexes) {
            match fields.iter_mut().find(|(field, _)| field == name) {
                Some((_, field)) => {
                    *field = agreed(field, index).ok_or_else(|| {
                        format!(
                            "its field `{name}` is {}, but the index of that name has {}: MongoDB finds documents by their \
                             fields, so the two have to be the same",
                            shown(field),
                            index_value(index)
                        )
                    })?;
                }
                // A field that is missing is found as null.
                None => match index_value(index) {
                    Bson::Null => {}
                    value => {
                        view.beside.push((name.clone(), value));
                        view.added.push(name.clone());
                    }
                },
            }
        }
        view.fields = fields;
        Ok(view)
    }
}

/// A name that no index has.
fn free_name(indexes: &[String]) -> String {
    let mut name = "value".to_owned();
    while indexes.contains(&name) {
        name.push('_');
    }
    name
}

/// The name of a top-level field. MongoDB refuses those that begin with `$` in a document that takes another one's place.
fn check_name(name: &str) -> Result<(), String> {
    if ["_id", META].contains(&name) {
        return Err(format!(
            "its field `{name}` has a name that is taken: this store keeps its own under it"
        ));
    }
    if name.starts_with('$') {
        return Err(format!("its field `{name}` begins with `$`, which MongoDB takes for an operator"));
    }
    Ok(())
}

/// A value in an error: what kind it is, and itself where it is short.
fn shown(value: &Value) -> String {
    match value {
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
        scalar => serde_json::to_string(scalar).unwrap_or_else(|_| "of another kind".to_owned()),
    }
}

struct Laid<'a> {
    key: &'a str,
    view: Option<&'a View>,
    meta: Meta<'a>,
}

#[derive(Clone, Copy)]
enum Meta<'a> {
    Live { created: i64, applied: i64, added: &'a [String], whole: Option<&'a str> },
    Removed { created: i64, applied: i64 },
}

impl Serialize for Laid<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("_id", self.key)?;
        if let Some(view) = self.view {
            for (name, value) in &view.fields {
                map.serialize_entry(name, &Held(value))?;
            }
            for (name, value) in &view.beside {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry(META, &self.meta)?;
        map.end()
    }
}

impl Serialize for Meta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Live { created, applied, added, whole } => {
                map.serialize_entry("created", created)?;
                map.serialize_entry("applied", applied)?;
                if !added.is_empty() {
                    map.serialize_entry("added", added)?;
                }
                if let Some(whole) = whole {
                    map.serialize_entry("whole", whole)?;
                }
            }
            Self::Removed { created, applied } => {
                map.serialize_entry("applied", applied)?;
                map.serialize_entry("removed", &bson::doc! { "created": created })?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use cqrs_core::{
        document::DateTime,
        envelope::{Json, Position},
        store::Data,
    };
    use mongodb::bson::{Document, doc};

    use super::*;

    fn put(data: impl Into<Data>, indexes: &[IndexValue]) -> DocumentWrite {
        DocumentWrite {
            key: "k".to_owned(),
            created: Position::new(3),
            applied: Position::new(7),
            change: Change::Put { data: data.into(), indexes: indexes.to_vec() },
        }
    }

    fn lay(write: DocumentWrite, indexes: &[&str]) -> Result<Document, CommitError> {
        let projection = ProjectionId::new("p", 1);
        let indexes: Vec<String> = indexes.iter().map(|name| (*name).to_owned()).collect();
        let layout = Layout { projection: &projection, indexes: &indexes, limit: 1_000 };
        layout.row(write).map(|row| Document::try_from(row.document).expect("sound"))
    }

    fn json(text: &str) -> Json {
        Json::from_text(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_view_is_laid_out_in_its_own_fields() {
        let time = DateTime::from_millis(1).expect("in range");
        let fields = vec![("n".to_owned(), Value::Int(1)), ("at".to_owned(), Value::Time(time))];
        let write = put(Value::Map(fields), &[IndexValue::Int(1), IndexValue::Time(time)]);
        let document = lay(write, &["n", "at"]).expect("it fits");
        let meta = doc! { "created": 3_i64, "applied": 7_i64 };
        let at = bson::DateTime::from_millis(1);
        assert_eq!(document, doc! { "_id": "k", "n": 1_i64, "at": at, "_cqrs": meta });
    }

    #[test]
    fn index_values_that_a_view_does_not_show_stand_beside_its_fields() {
        let write = put(json("{}"), &[IndexValue::Text("ada".to_owned()), IndexValue::Null]);
        let meta = doc! { "created": 3_i64, "applied": 7_i64, "added": ["customer"] };
        let expected = doc! { "_id": "k", "customer": "ada", "_cqrs": meta };
        assert_eq!(lay(write, &["customer", "total"]).expect("it fits"), expected);
    }

    #[test]
    fn a_view_that_is_no_map_has_a_field_that_no_index_has() {
        let write = put(json("[1]"), &[IndexValue::Int(5)]);
        let meta = doc! { "created": 3_i64, "applied": 7_i64, "added": ["value"], "whole": "value_" };
        let expected = doc! { "_id": "k", "value_": [1_i64], "value": 5_i64, "_cqrs": meta };
        assert_eq!(lay(write, &["value"]).expect("it fits"), expected);
    }

    #[test]
    fn a_removed_document_leaves_a_trace() {
        let write = DocumentWrite { change: Change::Remove, ..put(json("1"), &[]) };
        let meta = doc! { "applied": 7_i64, "removed": { "created": 3_i64 } };
        assert_eq!(lay(write, &["n"]).expect("it fits"), doc! { "_id": "k", "_cqrs": meta });
    }

    #[test]
    fn a_field_that_differs_from_its_index_is_refused() {
        for (data, told) in [(r#"{"n":2}"#, "is 2"), (r#"{"n":[1]}"#, "a list"), (r#"{"n":null}"#, "null")] {
            match lay(put(json(data), &[IndexValue::Int(1)]), &["n"]) {
                Err(CommitError::Unfit { key, reason, .. }) => {
                    assert_eq!(key, "k");
                    assert!(reason.contains("`n`") && reason.contains(told), "{reason}");
                }
                other => panic!("{data}: {other:?}"),
            }
        }
    }

    #[test]
    fn names_that_are_taken_are_refused() {
        for name in ["_id", "_cqrs", "$set"] {
            let data = Value::Map(vec![(name.to_owned(), Value::Null)]);
            match lay(put(data, &[]), &[]) {
                Err(CommitError::Unfit { reason, .. }) => assert!(reason.contains(name), "{reason}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let nested = json(r#"{"a":{"_id":1,"_cqrs":2,"$set":3,"b.c":4}}"#);
        lay(put(nested, &[]), &[]).expect("deeper down they are names like others");
    }

    #[test]
    fn a_document_beyond_the_limit_is_named_with_its_size() {
        let text = Value::Text("x".repeat(2_000));
        match lay(put(text, &[]), &[]) {
            Err(CommitError::TooLarge { key, size, limit, .. }) => {
                assert_eq!((&*key, limit), ("k", 1_000));
                assert!((2_001..2_200).contains(&size), "{size}");
            }
            other => panic!("{other:?}"),
        }
    }
}
