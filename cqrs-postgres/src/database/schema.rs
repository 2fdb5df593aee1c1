use std::sync::Arc;

use cqrs_core::store::Error;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use uuid::Uuid;

/// The schema that holds a store's objects. Statements name them in full: a `search_path` does not survive a pooler
/// that hands out another connection for each transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema(Arc<str>);

impl Schema {
    /// Leaves room for what is named after the schema, as PostgreSQL's names have up to 63 bytes.
    const MAX_LEN: usize = 48;

    pub(crate) fn new(name: &str) -> Result<Self, Error> {
        let problem = if name.is_empty() {
            "is empty"
        } else if name.len() > Self::MAX_LEN {
            "is longer than 48 characters"
        } else if name.starts_with("pg_") {
            "begins with `pg_`, which PostgreSQL keeps to itself"
        } else if name.starts_with(|first: char| first.is_ascii_digit())
            || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        {
            "is to have ASCII letters, digits and underscores only, and no digit at first"
        } else {
            return Ok(Self(name.into()));
        };
        Err(Error::invalid(format!("the schema's name {name:?} {problem}")))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// The name, quoted for a statement.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The advisory lock under which the schema's objects are made and changed.
    pub(crate) fn lock_key(&self) -> i64 {
        Uuid::new_v5(&LOCKS, self.0.as_bytes()).as_u64_pair().0.cast_signed()
    }

    /// Makes a statement of its text, in which `{schema}` stands for the schema, quoted, and `{name}` for its bare
    /// name. No other text goes into statements.
    pub(crate) fn sql(&self, template: &str) -> SqlStr {
        let sql = template.replace("{schema}", &self.quoted()).replace("{name}", &self.0);
        AssertSqlSafe(Arc::<str>::from(sql)).into_sql_str()
    }
}

/// Namespace of the locks under which schemas are prepared.
const LOCKS: Uuid = Uuid::from_u128(0x3f0c_54c2_8a4e_5b57_9d3a_64c5_30d9_6f27);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["cqrs", "Orders_2", "_x", &"a".repeat(48)] {
            assert_eq!(Schema::new(name).expect("a plain name").name(), name);
        }
        for name in ["", "2x", "a-b", "a b", "a\"b", "a'b", "a$b", "ä", "pg_x", "a\0", &"a".repeat(49)] {
            let error = Schema::new(name).expect_err(name).to_string();
            assert!(error.starts_with(&format!("the schema's name {name:?} ")), "{error}");
        }
    }

    #[test]
    fn statements_name_the_schema_quoted() {
        let schema = Schema::new("Orders").expect("a plain name");
        assert_eq!(schema.sql("SELECT {schema}.f('{name}.x')").as_str(), "SELECT \"Orders\".f('Orders.x')");
    }
}
