//! Names of tables and columns, made from names of projections and of fields.
//!
//! PostgreSQL takes any text between quotes for a name, but cuts it at 63 bytes. What would be longer ends in a hash,
//! behind a `~`; and so does what has a `~` itself, so that distinct names stay distinct.

use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};
use uuid::Uuid;

/// The most bytes that PostgreSQL keeps of a name.
const MAX_IDENTIFIER: usize = 63;

/// Beyond this, a name is no name.
const MAX_LEN: usize = 128;

/// Refuses what can't name anything.
pub(super) fn check(spec: &ProjectionSpec) -> Result<(), Error> {
    let names = [("a projection", spec.id.name.as_str())]
        .into_iter()
        .chain(spec.indexes.iter().map(|index| ("an index", index.name)));
    for (what, name) in names {
        if !is_name(name) {
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

/// Nothing of another name is in any store.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_LEN && !name.chars().any(char::is_control)
}

/// The table of a build's documents, such as `order_summary_v1`, or `order_summary_v1_build2`; not quoted. Read from its
/// end, it is taken apart in one way only.
pub(super) fn table(id: &ProjectionId) -> String {
    let build = match id.generation {
        0 => format!("_v{}", id.version),
        generation => format!("_v{}_build{generation}", id.version),
    };
    identifier("", &id.name, &build)
}

/// The column of an index, such as `index_customer_id`; not quoted.
pub(super) fn column(index: &str) -> String {
    identifier("index_", index, "")
}

fn identifier(before: &str, name: &str, behind: &str) -> String {
    let whole = format!("{before}{name}{behind}");
    if whole.len() <= MAX_IDENTIFIER && !name.contains('~') {
        return whole;
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple().to_string();
    let behind = format!("~{}{behind}", &hash[..16]);
    let room = name.floor_char_boundary(MAX_IDENTIFIER - before.len() - behind.len());
    format!("{before}{}{behind}", &name[..room])
}

pub(super) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn distinct_projections_and_fields_have_distinct_names() {
        let (long, longer) = ("x".repeat(62), "x".repeat(128));
        let wide = "ä".repeat(40);
        let hashed = identifier("", &longer, "");
        let names = ["a", "A", "a_v1", "a_v1_build1", "a~", "~a", "a\"", "é", &long, &longer, &wide, &hashed];
        let builds = |version| [0, 1, u32::MAX].map(|generation| (version, generation));
        let mut tables = BTreeSet::new();
        let mut columns = BTreeSet::new();
        for name in names {
            for (version, generation) in [1, 11, u32::MAX].into_iter().flat_map(builds) {
                let id = ProjectionId::new(name, version).generation(generation);
                let table = table(&id);
                assert!(table.len() <= MAX_IDENTIFIER, "{table}");
                assert!(tables.insert(table), "{id}");
            }
            let column = column(name);
            assert!(column.len() <= MAX_IDENTIFIER, "{column}");
            assert!(columns.insert(column), "{name}");
        }
    }

    #[test]
    fn plain_names_are_plain() {
        let id = ProjectionId::new("order_summary", 3);
        assert_eq!(table(&id), "order_summary_v3");
        assert_eq!(table(&id.generation(2)), "order_summary_v3_build2");
        assert_eq!(column("customer_id"), "index_customer_id");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
