//! The promises of a [`SnapshotStore`](cqrs_core::store::SnapshotStore).
//!
//! A snapshot store may lose what it keeps. The suite takes one that does not, as long as it runs.

use super::suite::suite;

suite! {
    ($)
    /// One `#[test]` for each rule of [`snapshot_store`](crate::conformance::snapshot_store).
    ///
    /// It takes an expression that finds a place for new data, and yields a closure that opens a store on that data,
    /// as [`event_store_suite!`](crate::event_store_suite) does.
    snapshot_store_suite, snapshot_store, cqrs_core::store::SnapshotStore;
    keeping {
        a_snapshot_is_read_back_as_it_was_saved
        a_missing_snapshot_is_none
        the_newest_snapshot_is_kept
        a_snapshot_of_another_shape_is_not_found
        a_snapshot_of_another_shape_is_replaced
        snapshots_of_streams_are_apart
        snapshots_are_dropped_by_category
        a_random_series_of_snapshots_equals_a_map
    }
}
