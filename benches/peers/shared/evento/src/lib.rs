//! The workload on evento, whatever its store.

mod commands;
mod domain;
mod loads;
#[cfg(feature = "postgres")]
mod projects;
mod store;

pub use commands::execute;
pub use loads::{import, load, load_with_snapshot};
#[cfg(feature = "postgres")]
pub use projects::{backlog, project};
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
