use std::time::Duration;

use super::table;
use crate::store::ProjectionId;

/// How a query that asked for freshness came out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WaitOutcome {
    /// Its answer is fresh enough.
    Fresh,
    /// Time was up.
    Late,
    /// There is no answer.
    Failed,
}

/// A query that asked for freshness has come to its end.
pub(crate) fn query_waited(projection: &ProjectionId, outcome: WaitOutcome, took: Duration) {
    let outcome = match outcome {
        WaitOutcome::Fresh => "fresh",
        WaitOutcome::Late => "late",
        WaitOutcome::Failed => "failed",
    };
    let version = projection.version.to_string();
    let series = table::QUERY_WAIT_SECONDS.series([projection.name.as_str(), version.as_str(), outcome]);
    series.record(took.as_secs_f64());
}
