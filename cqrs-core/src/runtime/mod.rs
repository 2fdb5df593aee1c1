//! Keeps projections up to date.
//!
//! Each projection has a runner: it reads the log from the projection's checkpoint, folds the events into
//! documents in batches, and writes documents and checkpoint together. While a page is being written, the next one is
//! read. At the head of the log it waits until the log tells of news. A projection that
//! [writes by itself](crate::store::BatchProjection) is run in the same way. What stands in its way is sorted:
//!
//! - A store that is away is tried again, for ever, with growing, random pauses. The projection's
//!   [health](ProjectionHealth) says so.
//! - An event that can't be read or folded is parked, and with it all later events of the same document, which
//!   depend on it. The other documents go on. Where a projection writes by itself, the later events of the same stream
//!   are parked.
//! - A log that is not the one the checkpoint was made for, or that ends before it (a restored backup), stops the
//!   projection, and so does a damaged read store: going on would lose data in silence.
//!
//! Where several applications share a read store, one of them runs a projection, by a lease; the others stand by.

mod ahead;
mod at_once;
mod balance;
mod batch;
mod builds;
mod checkpoint_health;
mod contract;
mod control;
mod divide;
mod end;
mod flow;
mod fold;
mod folding;
mod follow;
mod lag;
mod lag_monitor;
mod lease;
mod options;
mod own_writing;
mod owner;
mod pace;
mod partition_health;
mod partitions;
mod place;
mod policy;
mod projection_health;
mod projections;
mod rebuild;
mod recent;
mod retry;
mod routed;
mod runner;
mod sent;
mod serve;
mod share;
mod shared_log;
mod sight;
mod status;
mod work;
mod written;

pub use checkpoint_health::{CheckpointHealth, CheckpointState};
pub(crate) use fold::guarded;
pub(crate) use lag::elapsed;
pub use lag::{Lag, LagHook};
pub use lag_monitor::{LagMonitor, LagMonitorBuilder};
pub use options::RuntimeOptions;
pub use owner::Owner;
pub use partition_health::PartitionHealth;
pub use projection_health::{LastError, ProjectionHealth, ProjectionState};
pub use projections::Projections;
pub(crate) use projections::ProjectionsBuilder;
pub use rebuild::RebuildProgress;

/// Why a task has no result: the runtime has ended. A panic of it goes on here.
fn ended(error: tokio::task::JoinError) -> crate::store::Error {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => crate::store::Error::Closed,
    }
}

/// An error with all its causes, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
