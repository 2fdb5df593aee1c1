//! The statements, each in a file of its own.

use sqlx::SqlStr;

use crate::database::{Format, Schema};

pub(super) const FORMAT: Format = Format {
    kind: "views",
    holds: "views",
    migrations: &[&[
        include_str!("sql/0001/projections.sql"),
        include_str!("sql/0001/dead_letters.sql"),
        include_str!("sql/0001/first_unfit.sql"),
    ]],
};

// Parts of the statements that write batches.
pub(super) const ADVANCE: &str = include_str!("sql/advance.sql");
pub(super) const NEWLY_PARKED: &str = include_str!("sql/newly_parked.sql");
pub(super) const PARK: &str = include_str!("sql/park.sql");
pub(super) const TELL: &str = include_str!("sql/tell.sql");

// What makes room for a projection.
pub(super) const DECLARE: &str = include_str!("sql/declare.sql");
pub(super) const DOCUMENTS: &str = include_str!("sql/documents.sql");
pub(super) const INDEX: &str = include_str!("sql/index.sql");

/// The statements of all projections, for one schema.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) dead_letters: SqlStr,
    pub(super) first_unfit: SqlStr,
    pub(super) parked_sequences: SqlStr,
    pub(super) projection: SqlStr,
}

impl Statements {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            dead_letters: schema.sql(include_str!("sql/dead_letters.sql")),
            first_unfit: schema.sql(include_str!("sql/first_unfit.sql")),
            parked_sequences: schema.sql(include_str!("sql/parked_sequences.sql")),
            projection: schema.sql(include_str!("sql/projection.sql")),
        }
    }
}
