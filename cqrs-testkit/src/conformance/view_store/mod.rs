//! The promises of a [`ViewStore`](cqrs_core::store::ViewStore).

mod sample;

use super::suite::suite;

suite! {
    ($)
    /// One `#[test]` for each rule of [`view_store`](crate::conformance::view_store).
    ///
    /// It takes an expression that finds a place for new data, and yields a closure that opens a store on that
    /// data, each time that it is called:
    ///
    /// ```
    /// mod conformance {
    ///     use cqrs_core::memory::MemoryViewStore;
    ///
    ///     cqrs_testkit::view_store_suite!({
    ///         let data = MemoryViewStore::new();
    ///         move || std::future::ready(data.clone())
    ///     });
    /// }
    /// ```
    view_store_suite, view_store, cqrs_core::store::ViewStore;
    batches {
        a_batch_is_written_whole
        a_batch_for_another_checkpoint_is_refused_whole
        a_batch_delivered_twice_changes_nothing
        of_racing_batches_on_one_checkpoint_just_one_wins
        a_dropped_batch_is_written_whole_or_not_at_all
        an_oversized_document_is_named_and_nothing_is_written
        a_batch_may_be_large
        a_checkpoint_is_read_back_as_it_was_written
        a_batch_without_documents_moves_the_checkpoint
        an_answer_is_never_older_than_its_checkpoint
        a_batch_with_an_older_fence_is_refused_whole
    }
    builds {
        generations_of_a_version_are_apart
        builds_are_listed
        a_build_that_is_removed_is_gone
    }
    coordination {
        entries_are_read_back_as_they_were_put
        an_entry_changes_only_under_its_revision
        of_racing_puts_just_one_wins
        an_entry_grows_old_until_it_is_touched
        an_entry_is_removed_only_under_its_revision
        groups_are_apart
        entries_are_shared_and_stay
    }
    documents {
        documents_are_read_back_as_they_were_written
        a_document_is_replaced
        unknown_documents_are_left_out
        a_removed_document_leaves_only_a_trace
        a_removed_document_can_come_back
        keys_are_taken_literally
        a_random_history_equals_a_map
    }
    holding {
        moments_are_held_to_the_millisecond
        a_document_is_held_as_it_is_or_refused_by_name
    }
    finding {
        documents_are_found_by_one_of_several_values
        null_equals_null
        documents_are_found_within_a_range
        a_value_of_another_type_is_never_within
        numbers_are_compared_exactly
        text_is_compared_by_its_bytes
        all_filters_have_to_hold
        a_changed_document_is_found_by_its_new_values
        an_undeclared_index_is_refused
    }
    letters {
        dead_letters_are_read_back_as_they_were_parked
        dead_letters_come_in_whole_positions
        parked_sequences_are_listed_once
        the_store_counts_parked_events
        a_letter_that_is_parked_again_takes_the_place_of_the_old_one
        resolved_letters_are_gone
        letters_of_one_sequence_are_listed
    }
    paging {
        documents_are_sorted_by_their_creation
        documents_are_sorted_by_an_index_of_any_types
        ties_are_sorted_by_key
        pages_follow_each_other_without_gap
        pages_hold_while_documents_change
    }
    partitions {
        partitions_share_documents
        checkpoints_of_partitions_are_apart
        fences_of_partitions_are_apart
        letters_of_partitions_are_apart
        watchers_of_partitions_are_told_of_them_alone
        partitions_are_written_at_the_same_time
        partitions_are_listed
        a_partition_that_is_removed_leaves_the_others
        a_build_is_removed_with_its_partitions
        the_number_of_partitions_is_read_back
        a_partition_is_prepared_beside_documents
        a_partition_has_to_be_prepared
    }
    preparing {
        a_projection_that_was_never_prepared_is_empty
        preparing_again_changes_nothing
        an_index_declared_anew_over_documents_is_refused
        an_index_is_added_while_there_are_no_documents
        an_index_that_is_declared_no_more_is_dropped
        indexes_may_change_their_order
        projections_are_apart
        versions_of_a_projection_are_apart
    }
    sharing {
        a_watcher_is_woken_by_a_batch
        a_watcher_is_woken_by_another_handle
        handles_on_the_same_data_are_one_store
        what_was_written_survives_reopening
    }
    together {
        batches_of_partitions_are_written_together
        a_batch_of_many_is_refused_by_itself
        a_move_of_many_is_refused_by_itself
        of_two_who_move_many_each_is_moved_by_one
    }
}
