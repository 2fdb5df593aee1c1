//! What both stores need of a PostgreSQL server: connections, a schema of a known format, errors.

mod connections;
mod convert;
mod error;
mod format;
mod schema;
mod session;
mod settings;

pub(crate) use connections::Database;
pub(crate) use convert::{Column, Text, integer, number};
pub(crate) use error::{Doing, Failure, Trouble, timed_out};
pub(crate) use format::Format;
pub(crate) use schema::Schema;
pub(crate) use session::{Server, Session};
pub(crate) use settings::{Settings, connection_options};
