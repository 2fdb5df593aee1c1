//! The write store.

mod answer;
mod append;
mod batch;
mod job;
mod judge;
mod load;
mod options;
mod plan;
mod queue;
mod read;
mod reader;
mod rows;
mod statements;
mod store;
mod watch;

pub use options::EventStoreOptions;
pub use store::PostgresEventStore;
