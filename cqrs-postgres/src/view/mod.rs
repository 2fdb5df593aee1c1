//! The read store.

mod commit;
mod convert;
mod dead_letter;
mod documents;
mod find;
mod fit;
mod names;
mod options;
mod prepare;
mod progress;
mod projection;
mod statements;
mod store;
mod tables;
mod value;
mod writing;

pub use options::ViewStoreOptions;
pub use store::PostgresViewStore;
