//! The read store.

mod commit;
mod convert;
mod coordination;
mod dead_letter;
mod documents;
mod find;
mod fit;
mod hand_written;
mod names;
mod operations;
mod options;
mod prepare;
mod progress;
mod projection;
mod statements;
mod store;
mod tables;
mod together;
mod value;
mod writing;

pub use hand_written::{HandWritten, SqlProjection};
pub use options::ViewStoreOptions;
pub use store::PostgresViewStore;
