use super::{
    Kind::{Counter, Gauge, Histogram},
    Metric,
};

/// Declares each metric once, and the list of all.
macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal in $unit:literal by [$($label:literal),*]: $meaning:literal;)+) => {
        $(pub(super) static $constant: Metric = Metric {
            name: $name,
            kind: $kind,
            unit: $unit,
            labels: &[$($label),*],
            meaning: $meaning,
        };)+

        /// All metrics of the framework.
        pub static ALL: &[&Metric] = &[$(&$constant),+];
    };
}

metrics! {
    COMMAND_SECONDS: Histogram "cqrs_command_seconds" in "seconds" by ["category", "command", "outcome"]:
        "How long a command took, with all that it was decided again";
    COMMAND_CONFLICTS: Counter "cqrs_command_conflicts_total" in "conflicts" by ["category", "command"]:
        "How often a command met a conflict with another one on its aggregate; it is decided again unless that was its last attempt";
    APPEND_SECONDS: Histogram "cqrs_append_seconds" in "seconds" by ["category", "outcome"]:
        "How long the write store took for one append, waiting for its turn included";
    APPEND_EVENTS: Counter "cqrs_append_events_total" in "events" by ["category"]:
        "Events that were appended to the log";
    APPEND_QUEUE: Gauge "cqrs_append_queue_appends" in "appends" by ["store"]:
        "Appends that wait for their turn in this process; with SQLite snapshots, too";
    APPEND_BATCH: Histogram "cqrs_append_batch_appends" in "appends" by ["store"]:
        "Appends that were committed together";
    APPEND_BATCH_SECONDS: Histogram "cqrs_append_batch_seconds" in "seconds" by ["store"]:
        "How long it took until all appends of a batch had an answer, from its turn on";
    LAG_SECONDS: Gauge "cqrs_projection_lag_seconds" in "seconds" by ["projection", "version", "observer"]:
        "For how long the oldest event that is not applied may have been waiting";
    LAG_EVENTS: Gauge "cqrs_projection_lag_events" in "events" by ["projection", "version", "observer"]:
        "Positions of the log that are not applied, as far as the observer knows";
    MAX_LAG: Gauge "cqrs_projection_max_lag_seconds" in "seconds" by ["projection", "version", "observer"]:
        "The lag that the projection promises; absent where it promises none";
    BREACHES: Counter "cqrs_projection_lag_breaches_total" in "breaches" by ["projection", "version", "observer"]:
        "How often the lag went over the promised one";
    PARKED: Gauge "cqrs_projection_parked_events" in "events" by ["projection", "version", "observer"]:
        "Events that are parked now";
    PROJECTION_EVENTS: Counter "cqrs_projection_events_total" in "events" by ["projection", "version"]:
        "Events that were read for the projection and applied, ignored or parked";
    BATCH_EVENTS: Histogram "cqrs_projection_batch_events" in "events" by ["projection", "version"]:
        "Events of one batch";
    BATCH_SECONDS: Histogram "cqrs_projection_batch_seconds" in "seconds" by ["projection", "version"]:
        "How long a batch took: at the head of the log until it was written, far behind until the next one could begin";
    HANDLER_SECONDS: Histogram "cqrs_projection_handler_seconds" in "seconds" by ["projection", "version"]:
        "How long the handlers took for what a batch has for one partition; where it writes by itself, its writing included";
    RETRIES: Counter "cqrs_projection_retries_total" in "retries" by ["projection", "version"]:
        "How often the projection started over from its checkpoint, as a store was away or another process had moved it";
    PARKED_TOTAL: Counter "cqrs_projection_parked_total" in "events" by ["projection", "version"]:
        "How often an event was put aside for a document, or for a stream, queued ones included";
    REBUILD_APPLIED: Gauge "cqrs_rebuild_applied_events" in "events" by ["projection", "version"]:
        "Up to which position a build has come that is to take the place of the one that answers";
    REBUILD_LEFT: Gauge "cqrs_rebuild_left_events" in "events" by ["projection", "version"]:
        "Positions of the log that such a build has before it; 0 once it answers, or is given up";
    REBUILD_RATE: Gauge "cqrs_rebuild_rate_events_per_second" in "events_per_second" by ["projection", "version"]:
        "Positions that such a build has applied a second, over the time that it runs in this process; 0 while none goes on";
    REBUILD_REMAINING: Gauge "cqrs_rebuild_remaining_seconds" in "seconds" by ["projection", "version"]:
        "How long such a build takes until it has caught up, if it goes on like this; NaN where that can't be told";
    QUERY_WAIT_SECONDS: Histogram "cqrs_query_wait_seconds" in "seconds" by ["projection", "version", "outcome"]:
        "How long a query that asked for freshness took until its answer was fresh enough or its time was up";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_part_its_unit_and_whether_it_is_a_counter() {
        for metric in ALL {
            let Metric { name, kind, unit, labels, meaning } = metric;
            assert!(name.starts_with("cqrs_"), "{name}");
            assert!(name.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_'), "{name}");
            match kind {
                Counter => assert!(name.ends_with("_total"), "{name}"),
                Gauge | Histogram => assert!(name.ends_with(&format!("_{unit}")), "{name}"),
            }
            assert!(!meaning.is_empty() && !meaning.ends_with('.') && !meaning.contains('|'), "{name}");
            for label in *labels {
                let known = ["category", "command", "outcome", "store", "projection", "version", "observer"];
                assert!(known.contains(label), "{name} has a label of unknown cardinality: {label}");
            }
        }
    }

    #[test]
    fn no_name_is_there_twice() {
        let names: std::collections::HashSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
