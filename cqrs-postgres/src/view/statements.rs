//! The statements, each in a file of its own.

use sqlx::SqlStr;

use crate::database::{Format, Schema};

pub(super) const FORMAT: Format = Format {
    kind: "views",
    holds: "views",
    migrations: &[&[
        include_str!("sql/0001/projections.sql"),
        include_str!("sql/0001/dead_letters.sql"),
        include_str!("sql/0001/coordination.sql"),
        include_str!("sql/0001/first_unfit.sql"),
    ]],
};

// Parts of the statements that write batches.
pub(super) const ADVANCE: &str = include_str!("sql/advance.sql");
pub(super) const ADVANCE_ALL: &str = include_str!("sql/advance_all.sql");
pub(super) const NEWLY_PARKED: &str = include_str!("sql/newly_parked.sql");
pub(super) const PARK: &str = include_str!("sql/park.sql");
pub(super) const PARKED_NO_MORE: &str = include_str!("sql/parked_no_more.sql");
pub(super) const RESOLVE: &str = include_str!("sql/resolve.sql");
pub(super) const TELL: &str = include_str!("sql/tell.sql");

// What makes room for a projection, and takes it away.
pub(super) const DECLARE_OWN: &str = include_str!("sql/declare_own.sql");
pub(super) const DECLARE: &str = include_str!("sql/declare.sql");
pub(super) const DOCUMENTS: &str = include_str!("sql/documents.sql");
pub(super) const INDEX: &str = include_str!("sql/index.sql");
pub(super) const REMOVE: &str = include_str!("sql/remove.sql");

/// The statements of all projections, for one schema.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) add_entry: SqlStr,
    pub(super) builds: SqlStr,
    pub(super) change_entry: SqlStr,
    pub(super) dead_letters: SqlStr,
    pub(super) dead_letters_of: SqlStr,
    pub(super) entries: SqlStr,
    pub(super) first_unfit: SqlStr,
    pub(super) lock: SqlStr,
    pub(super) lock_own: SqlStr,
    pub(super) parked_sequences: SqlStr,
    pub(super) projection: SqlStr,
    pub(super) remove_entry: SqlStr,
    pub(super) touch_entries: SqlStr,
}

impl Statements {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            add_entry: schema.sql(include_str!("sql/add_entry.sql")),
            builds: schema.sql(include_str!("sql/builds.sql")),
            change_entry: schema.sql(include_str!("sql/change_entry.sql")),
            dead_letters: schema.sql(include_str!("sql/dead_letters.sql")),
            dead_letters_of: schema.sql(include_str!("sql/dead_letters_of.sql")),
            entries: schema.sql(include_str!("sql/entries.sql")),
            first_unfit: schema.sql(include_str!("sql/first_unfit.sql")),
            lock: schema.sql(include_str!("sql/lock.sql")),
            lock_own: schema.sql(include_str!("sql/lock_own.sql")),
            parked_sequences: schema.sql(include_str!("sql/parked_sequences.sql")),
            projection: schema.sql(include_str!("sql/projection.sql")),
            remove_entry: schema.sql(include_str!("sql/remove_entry.sql")),
            touch_entries: schema.sql(include_str!("sql/touch_entries.sql")),
        }
    }
}
