//! The statements, each in a file of its own.

use crate::file::Format;

pub(super) const FORMAT: Format = Format {
    application_id: 0x4351_524c, // "CQRL"
    kind: "a log of events",
    migrations: &[include_str!("sql/0001_log.sql")],
};

pub(super) const COMMAND: &str = include_str!("sql/command.sql");
pub(super) const BETWEEN: &str = include_str!("sql/between.sql");
pub(super) const BETWEEN_FILTERED: &str = include_str!("sql/between_filtered.sql");
pub(super) const DROP_SNAPSHOTS: &str = include_str!("sql/drop_snapshots.sql");
pub(super) const EVENT_ID: &str = include_str!("sql/event_id.sql");
pub(super) const HEAD: &str = include_str!("sql/head.sql");
pub(super) const ID_AT: &str = include_str!("sql/id_at.sql");
pub(super) const INSERT_COMMAND: &str = include_str!("sql/insert_command.sql");
pub(super) const INSERT_EVENT: &str = include_str!("sql/insert_event.sql");
pub(super) const INSERT_LOG_ID: &str = include_str!("sql/insert_log_id.sql");
pub(super) const LAST_EVENT: &str = include_str!("sql/last_event.sql");
pub(super) const LOG_ID: &str = include_str!("sql/log_id.sql");
pub(super) const SAVE_SNAPSHOT: &str = include_str!("sql/save_snapshot.sql");
pub(super) const SNAPSHOT: &str = include_str!("sql/snapshot.sql");
pub(super) const SNAPSHOT_TO_LOAD: &str = include_str!("sql/snapshot_to_load.sql");
pub(super) const STREAM_AFTER: &str = include_str!("sql/stream_after.sql");
pub(super) const STREAM_BEFORE: &str = include_str!("sql/stream_before.sql");
pub(super) const STREAM_VERSION: &str = include_str!("sql/stream_version.sql");
