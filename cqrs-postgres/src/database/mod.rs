//! What both stores need of a PostgreSQL server: connections, a schema of a known format, errors.

mod connections;
mod convert;
mod error;
mod format;
mod schema;
mod session;
mod settings;
mod watcher;

pub(crate) use connections::Database;
pub(crate) use convert::{Column, Text, Y2K, integer, number};
pub(crate) use error::{Doing, Failure, Trouble, timed_out};
pub(crate) use format::{Format, LOCK};
pub(crate) use schema::Schema;
pub(crate) use session::{Server, Session};
pub(crate) use settings::{Listen, Settings, connection_options};
pub(crate) use watcher::{Watched, Watcher};
