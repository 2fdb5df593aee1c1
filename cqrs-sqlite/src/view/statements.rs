//! The statements, each in a file of its own.

use crate::file::Format;

pub(super) const FORMAT: Format = Format {
    application_id: 0x4351_5256, // "CQRV"
    kind: "a store of views",
    migrations: &[include_str!("sql/0001_views.sql")],
};

pub(super) const ADD_ENTRY: &str = include_str!("sql/add_entry.sql");
pub(super) const ADVANCE: &str = include_str!("sql/advance.sql");
pub(super) const BUILDS: &str = include_str!("sql/builds.sql");
pub(super) const CHANGE_ENTRY: &str = include_str!("sql/change_entry.sql");
pub(super) const DEAD_LETTERS: &str = include_str!("sql/dead_letters.sql");
pub(super) const DEAD_LETTERS_OF: &str = include_str!("sql/dead_letters_of.sql");
pub(super) const DECLARE: &str = include_str!("sql/declare.sql");
pub(super) const DECLARE_BUILD: &str = include_str!("sql/declare_build.sql");
pub(super) const DECLARE_FOR_ALL: &str = include_str!("sql/declare_for_all.sql");
pub(super) const DOCUMENTS: &str = include_str!("sql/documents.sql");
pub(super) const ENTRIES: &str = include_str!("sql/entries.sql");
pub(super) const IS_PARKED: &str = include_str!("sql/is_parked.sql");
pub(super) const PARK: &str = include_str!("sql/park.sql");
pub(super) const PARKED_SEQUENCES: &str = include_str!("sql/parked_sequences.sql");
pub(super) const PROJECTION: &str = include_str!("sql/projection.sql");
pub(super) const RECOUNT: &str = include_str!("sql/recount.sql");
pub(super) const REMOVE: &str = include_str!("sql/remove.sql");
pub(super) const REMOVE_ENTRY: &str = include_str!("sql/remove_entry.sql");
pub(super) const REMOVE_PARTITIONS: &str = include_str!("sql/remove_partitions.sql");
pub(super) const RESOLVE: &str = include_str!("sql/resolve.sql");
pub(super) const TOUCH_ENTRY: &str = include_str!("sql/touch_entry.sql");
