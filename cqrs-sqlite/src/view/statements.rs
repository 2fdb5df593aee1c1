//! The statements, each in a file of its own.

use crate::file::Format;

pub(super) const FORMAT: Format = Format {
    application_id: 0x4351_5256, // "CQRV"
    kind: "a store of views",
    migrations: &[include_str!("sql/0001_views.sql")],
};

pub(super) const ADVANCE: &str = include_str!("sql/advance.sql");
pub(super) const DEAD_LETTERS: &str = include_str!("sql/dead_letters.sql");
pub(super) const DECLARE: &str = include_str!("sql/declare.sql");
pub(super) const DOCUMENTS: &str = include_str!("sql/documents.sql");
pub(super) const IS_PARKED: &str = include_str!("sql/is_parked.sql");
pub(super) const PARK: &str = include_str!("sql/park.sql");
pub(super) const PARKED_SEQUENCES: &str = include_str!("sql/parked_sequences.sql");
pub(super) const PROJECTION: &str = include_str!("sql/projection.sql");
