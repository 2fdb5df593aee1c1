#![doc = include_str!("../README.md")]

mod builds;
mod commit;
mod coordination;
mod document;
mod error;
mod find;
mod gate;
mod known;
mod letters;
mod moves;
mod names;
mod options;
mod prepare;
mod progress;
mod read;
mod rows;
mod server;
mod session;
mod store;
mod stored;
mod transaction;
mod trouble;
mod url;

/// The driver, for queries of one's own.
pub use mongodb;

pub use options::{Transactions, ViewStoreOptions};
pub use store::MongoViewStore;
pub use stored::Stored;
