//! The read store.

mod commit;
mod dead_letter;
mod documents;
mod find;
mod names;
mod options;
mod prepare;
mod progress;
mod projection;
mod statements;
mod store;
mod value;

pub use options::ViewStoreOptions;
pub use store::SqliteViewStore;
