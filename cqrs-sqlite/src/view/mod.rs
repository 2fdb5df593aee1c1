//! The read store.

mod commit;
mod coordination;
mod dead_letter;
mod documents;
mod find;
mod names;
mod operations;
mod options;
mod prepare;
mod progress;
mod projection;
mod statements;
mod store;
mod value;

pub use options::ViewStoreOptions;
pub use store::SqliteViewStore;
