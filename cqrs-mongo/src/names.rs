//! Names of collections and indexes, made from names of projections and of fields.

use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};

/// How far projections have come, and what they declare.
pub(crate) const CHECKPOINTS: &str = "_cqrs_checkpoints";

/// What projections have put aside.
pub(crate) const DEAD_LETTERS: &str = "_cqrs_dead_letters";

/// What programs tell each other.
pub(crate) const COORDINATION: &str = "_cqrs_coordination";

/// The field of a document that is the store's own.
pub(crate) const META: &str = "_cqrs";

/// Of a document that exists; the trace of a removed one has none.
pub(crate) const CREATED: &str = "_cqrs.created";

pub(crate) const APPLIED: &str = "_cqrs.applied";

/// Beyond this, a name is no name.
const MAX_LEN: usize = 128;

/// MongoDB takes 64 indexes for a collection; each declared one takes two, and there are two more.
const MAX_INDEXES: usize = 31;

/// What the store's own indexes begin with.
const OWN: &str = "cqrs_";

/// Refuses what can't name anything in MongoDB.
pub(crate) fn check(spec: &ProjectionSpec) -> Result<(), Error> {
    let name = &spec.id.name;
    let ends_badly = name.starts_with('.') || name.starts_with("system.") || name.starts_with(META);
    if !is_plain(name) || ends_badly || name.contains('$') {
        return Err(Error::invalid(format!(
            "{name:?} can't name a projection: take 1 to {MAX_LEN} bytes without `$` and control characters, that \
             don't begin with `.`, `system.` or `{META}`"
        )));
    }
    for (at, index) in spec.indexes.iter().enumerate() {
        let name = index.name;
        if !is_plain(name) || name.contains('.') || name.starts_with('$') || ["_id", META].contains(&name) {
            return Err(Error::invalid(format!(
                "{name:?} can't name an index: it is a field of MongoDB's documents. Take 1 to {MAX_LEN} bytes without \
                 `.` and control characters, that don't begin with `$`, and neither `_id` nor `{META}`"
            )));
        }
        if spec.indexes[..at].iter().any(|other| other.name == name) {
            return Err(Error::invalid(format!("{} declares the index `{name}` twice", spec.id)));
        }
    }
    if spec.indexes.len() > MAX_INDEXES {
        let (id, count) = (&spec.id, spec.indexes.len());
        return Err(Error::invalid(format!("{id} declares {count} indexes, but the limit is {MAX_INDEXES}")));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_LEN && !name.chars().any(char::is_control)
}

/// The collection of a build's documents, such as `order_summary_v1`, or `order_summary_v1_build2`.
pub(crate) fn documents(id: &ProjectionId) -> String {
    let ProjectionId { name, version, generation, .. } = id;
    match generation {
        0 => format!("{name}_v{version}"),
        generation => format!("{name}_v{version}_build{generation}"),
    }
}

/// What names a build among the checkpoints, or a partition of it, such as `order_summary_v1 5/64`.
pub(crate) fn checkpoint(id: &ProjectionId) -> String {
    let build = documents(id);
    if id.partition.is_whole() { build } else { format!("{build} {}", id.partition) }
}

/// The MongoDB view of the documents that exist, such as `order_summary_v1.live`.
pub(crate) fn live(id: &ProjectionId) -> String {
    format!("{}.live", documents(id))
}

/// The index by which documents are listed in the order of their creation.
pub(crate) fn index_of_creation() -> String {
    format!("{OWN}created")
}

/// The index by which documents are sorted by a field.
pub(crate) fn index_by(field: &str) -> String {
    format!("{OWN}by_{field}.key")
}

/// The index by which documents with one value in a field are listed in the order of their creation.
pub(crate) fn index_by_and_creation(field: &str) -> String {
    format!("{OWN}by_{field}.created")
}

pub(crate) fn is_own_index(name: &str) -> bool {
    name.starts_with(OWN)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cqrs_core::{domain::IndexSpec, store::Partition};

    use super::*;

    fn spec(name: &str, indexes: &[&'static str]) -> ProjectionSpec {
        ProjectionSpec {
            id: ProjectionId::new(name, 1),
            indexes: indexes.iter().map(|name| IndexSpec::new(name)).collect(),
            fingerprint: 0,
        }
    }

    #[test]
    fn names_that_mongodb_does_not_take_are_refused() {
        let long: &'static str = "x".repeat(129).leak();
        for name in ["", "a$b", "a\0b", "system.views", ".a", "_cqrs_checkpoints", long] {
            let error = check(&spec(name, &[])).expect_err(name).to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
        for index in ["", "a.b", "$a", "a\nb", "_id", "_cqrs", long] {
            let error = check(&spec("a", &[index])).expect_err(index).to_string();
            assert!(error.contains(&format!("{index:?}")), "{error}");
        }
        check(&spec("a", &["x", "x"])).expect_err("one index twice");
        let many: Vec<&'static str> = (0..32).map(|nth| &*nth.to_string().leak()).collect();
        check(&spec("a", &many)).expect_err("too many");
        check(&spec("Ä b/c.d", &["customer_id", "ä b"])).expect("they are names");
    }

    #[test]
    fn distinct_builds_have_distinct_collections() {
        let mut seen = BTreeSet::new();
        for name in [
            "a",
            "A",
            "a_v1",
            "a_v11",
            "a_v1.live",
            "a.live",
            "a_v1_build1",
            "a_v1_build",
            "a_build1",
            "a_v1 0/2",
        ] {
            for version in [1, 11, 111] {
                for generation in [0, 1, 11] {
                    let id = ProjectionId::new(name, version).generation(generation);
                    assert!(seen.insert(documents(&id)), "{id}");
                    assert!(seen.insert(live(&id)), "{id}");
                    for partition in Partition::all(2) {
                        assert!(seen.insert(checkpoint(&id.partition(partition))), "{id} {partition}");
                    }
                }
            }
        }
    }

    #[test]
    fn distinct_fields_have_distinct_indexes() {
        let mut seen = BTreeSet::from([index_of_creation()]);
        for field in ["a", "A", "created", "key", "a_created", "a_key"] {
            assert!(seen.insert(index_by(field)), "{field}");
            assert!(seen.insert(index_by_and_creation(field)), "{field}");
        }
        assert!(seen.iter().all(|name| is_own_index(name)));
    }
}
