//! What SQLite can do at the most, on one connection.

mod append;
mod read;
mod views;

pub(crate) use append::{LimitTable, grouped, one_by_one};
pub(crate) use read::read;
pub(crate) use views::write;
