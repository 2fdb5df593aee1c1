//! Names of tables, columns and indexes, made from names of projections and of fields.
//!
//! SQLite takes any text between quotes for a name, but does not tell upper from lower case. So that distinct names
//! stay distinct, upper-case letters are marked with `^`, and so is what parts a name from the next.

use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};

/// Beyond this, a name is no name.
const MAX_LEN: usize = 128;

/// Refuses what can't name anything.
pub(super) fn check(spec: &ProjectionSpec) -> Result<(), Error> {
    let names = [("a projection", spec.id.name.as_str())]
        .into_iter()
        .chain(spec.indexes.iter().map(|index| ("an index", index.name)));
    for (what, name) in names {
        if name.is_empty() || name.len() > MAX_LEN || name.chars().any(char::is_control) {
            return Err(Error::invalid(format!(
                "{name:?} can't name {what}: take 1 to {MAX_LEN} bytes without control characters"
            )));
        }
    }
    for (at, index) in spec.indexes.iter().enumerate() {
        if spec.indexes[..at].iter().any(|other| other.name == index.name) {
            return Err(Error::invalid(format!("{} declares the index `{}` twice", spec.id, index.name)));
        }
    }
    Ok(())
}

/// The table of a build's documents, such as `"view_order_summary_v1"`, or `"view_order_summary_v1_build2"`.
pub(super) fn table(id: &ProjectionId) -> String {
    quoted(&format!("view_{}_v{}", escaped(&id.name), build(id)))
}

/// The column of an index, such as `"index_customer_id"`.
pub(super) fn column(index: &str) -> String {
    quoted(&format!("index_{}", escaped(index)))
}

/// The SQLite index over some columns of a build's documents. No table has a colon in its name.
pub(super) fn index(id: &ProjectionId, columns: &str) -> String {
    quoted(&format!("view:{}:{}:{}", escaped(&id.name), build(id), escaped(columns)))
}

/// The version, and which build of it, if not the first. Read from its end, a name is taken apart in one way only.
fn build(id: &ProjectionId) -> String {
    match id.generation {
        0 => id.version.to_string(),
        generation => format!("{}_build{generation}", id.version),
    }
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() || matches!(character, '^' | ':') {
            escaped.push('^');
        }
        escaped.push(if character == ':' { '.' } else { character });
    }
    escaped
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn distinct_projections_have_distinct_tables_and_indexes() {
        let names =
            ["a", "A", "^A", "^a", "a_v1", "a_v1_build1", "a:1", "a^:1", "a^.1", "a.1", "a\"", "é", "É"];
        let builds =
            [1, 11].into_iter().flat_map(|version| [0, 1, 11].map(|generation| (version, generation)));
        let mut seen = BTreeSet::new();
        for name in names {
            for (version, generation) in builds.clone() {
                let id = ProjectionId::new(name, version).generation(generation);
                assert!(seen.insert(table(&id).to_ascii_lowercase()), "{id}");
                for field in names {
                    assert!(seen.insert(index(&id, field).to_ascii_lowercase()), "{id} {field}");
                }
            }
        }
    }

    #[test]
    fn the_first_build_has_a_plain_name() {
        let id = ProjectionId::new("order_summary", 3);
        assert_eq!(table(&id), "\"view_order_summary_v3\"");
        assert_eq!(table(&id.generation(2)), "\"view_order_summary_v3_build2\"");
    }
}
