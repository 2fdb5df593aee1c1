use std::time::Duration;

use super::{
    metric::{Series, length},
    table,
};

/// What a write store tells of its queue: `cqrs_append_queue_appends`, `cqrs_append_batch_appends` and
/// `cqrs_append_batch_seconds`. For authors of stores that commit appends together.
#[derive(Debug)]
pub struct AppendMeter {
    queue: Series,
    batch: Series,
    seconds: Series,
}

impl AppendMeter {
    /// That of a kind of store, such as `postgresql`: the value of the label `store`. Stores of one kind in one process
    /// share their numbers.
    pub fn of(store: &'static str) -> Self {
        Self {
            queue: table::APPEND_QUEUE.series([store]),
            batch: table::APPEND_BATCH.series([store]),
            seconds: table::APPEND_BATCH_SECONDS.series([store]),
        }
    }

    /// So many appends wait.
    pub fn waiting(&self, appends: usize) {
        self.queue.set(length(appends));
    }

    /// So many appends were committed together, and all have an answer.
    pub fn batch(&self, appends: usize, took: Duration) {
        self.batch.record(length(appends));
        self.seconds.record(took.as_secs_f64());
    }
}
