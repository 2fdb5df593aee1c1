//! What both stores need of a PostgreSQL server: connections, a schema of a known format, errors.

mod connections;
mod convert;
mod error;
mod failure;
mod format;
mod reach;
mod schema;
mod session;
mod settings;
mod text;
mod url;
mod watcher;

pub(crate) use connections::Database;
#[cfg(feature = "views")]
pub(crate) use connections::Lease;
#[cfg(feature = "views")]
pub(crate) use convert::Y2K;
#[cfg(feature = "events")]
pub(crate) use convert::number;
pub(crate) use convert::{Column, integer};
pub(crate) use error::{Trouble, timed_out};
#[cfg(feature = "views")]
pub(crate) use failure::Doing;
pub(crate) use failure::{Failure, at, told};
pub(crate) use format::Format;
#[cfg(feature = "views")]
pub(crate) use format::LOCK;
pub(crate) use schema::Schema;
pub(crate) use session::{Server, Session};
pub(crate) use settings::{Limit, Listen, Settings, connection_options};
pub(crate) use text::Text;
pub(crate) use watcher::{Watched, Watcher};
