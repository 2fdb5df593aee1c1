//! Database servers: those that all tests share, where each test has a database of its own, and those that belong to one
//! test alone, which may stop them, kill them, and change what they keep.

mod database;
mod folder;
mod mongo;
mod postgres;
mod process;
mod template;
mod user;
mod variable;

pub(crate) use database::Database;
pub(crate) use mongo::{Mongo, Topology};
pub(crate) use postgres::{Postgres, Shutdown};
