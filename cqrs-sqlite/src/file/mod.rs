//! What both stores need of an SQLite file: opening it, transactions, readers, news of other processes.

mod convert;
mod error;
mod format;
mod open;
mod pace;
mod poll;
mod readers;
mod transaction;

#[cfg(feature = "views")]
pub(crate) use convert::micros;
pub(crate) use convert::{integer, number, timestamp, uuid, wrong};
pub(crate) use error::{Doing, Failure, is_busy};
pub(crate) use format::Format;
pub use open::Synchronous;
pub(crate) use open::{Database, Settings, lock};
pub(crate) use pace::{Pace, off_thread};
pub(crate) use poll::{Poller, Watched};
pub(crate) use readers::{Lane, Readers};
pub(crate) use transaction::{Transaction, execute};
