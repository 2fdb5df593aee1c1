//! The write store.

mod append;
mod job;
mod options;
mod queue;
mod read;
mod rows;
mod statements;
mod store;
mod writer;

pub use options::EventStoreOptions;
pub use store::SqliteEventStore;
