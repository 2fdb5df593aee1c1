//! The promises of an [`EventStore`](cqrs_core::store::EventStore).

mod sample;

use super::suite::suite;

suite! {
    ($)
    /// One `#[test]` for each rule of [`event_store`](crate::conformance::event_store).
    ///
    /// It takes an expression that finds a place for new data, and yields a closure that opens a store on that
    /// data, each time that it is called:
    ///
    /// ```
    /// mod conformance {
    ///     use cqrs_core::memory::MemoryEventStore;
    ///
    ///     cqrs_testkit::event_store_suite!({
    ///         let data = MemoryEventStore::new();
    ///         move || std::future::ready(data.clone())
    ///     });
    /// }
    /// ```
    event_store_suite, event_store, cqrs_core::store::EventStore;
    appending {
        events_are_read_back_as_they_were_appended
        versions_of_a_stream_are_consecutive_from_one
        positions_are_consecutive_from_one
        a_failed_append_leaves_no_hole
        an_append_writes_all_of_its_streams
        a_failed_condition_writes_nothing_at_all
        a_conflict_names_expected_and_actual_version
        a_condition_holds_for_a_stream_that_gets_no_events
        an_append_without_conditions_always_fits
        an_append_of_nothing_changes_nothing
        recorded_times_are_the_stores_own_and_never_go_back
        recorded_events_never_change
    }
    commands {
        a_repeated_command_adds_nothing_and_gets_the_first_answer
        racing_repeats_of_a_command_append_once
        a_command_without_events_is_remembered
        the_answer_of_a_command_is_remembered
        a_known_command_wins_over_conditions
        a_known_command_wins_over_known_event_ids
        a_command_that_failed_is_not_remembered
        a_command_is_found_with_its_events
        an_unknown_command_is_not_found
    }
    limits {
        a_known_event_id_is_refused
        an_event_id_given_twice_is_refused
        an_oversized_event_is_refused
        too_many_events_are_refused
        a_refused_append_leaves_its_neighbours_alone
    }
    loading {
        a_load_with_a_snapshot_has_only_the_events_after_it
        a_load_ignores_a_snapshot_of_another_shape
        a_load_ignores_a_snapshot_of_another_past
        a_snapshot_of_another_past_is_replaced
    }
    pasts {
        a_conflict_is_met_whatever_past_a_condition_rests_on
        what_rests_on_another_past_is_refused
    }
    racing {
        of_racing_appends_on_one_version_just_one_wins
        a_reader_of_the_tail_misses_nothing
        a_reader_never_sees_half_an_append
        a_dropped_append_happens_whole_or_not_at_all
        a_load_is_of_one_moment
    }
    reading {
        a_stream_is_read_forwards_in_pages
        a_stream_is_read_backwards_in_pages
        a_missing_stream_is_empty
        names_are_taken_literally
        the_log_is_read_in_pages
        a_page_names_the_event_before_it
        a_filter_picks_just_its_events
        a_filtered_page_says_how_far_it_has_looked
        the_head_is_the_last_position
        a_random_history_equals_a_list
    }
    sharing {
        a_watcher_is_woken_by_an_append
        a_watcher_is_woken_by_another_handle
        handles_on_the_same_data_are_one_log
        a_log_keeps_its_identity
        each_log_has_an_identity_of_its_own
        what_was_appended_survives_reopening
        commands_survive_reopening
    }
}
