//! The write store.

mod answer;
mod append;
mod batch;
mod head;
mod job;
mod judge;
mod load;
mod lone;
mod options;
mod past;
mod plan;
mod queue;
mod read;
mod reader;
mod rows;
mod statements;
mod store;
#[cfg(test)]
mod tests;

pub use options::EventStoreOptions;
pub use store::PostgresEventStore;
