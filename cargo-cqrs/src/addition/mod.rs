//! What `cargo cqrs add` adds to a project: all changes are known before the first file is touched.

mod aggregate;
mod changes;
mod known;
mod modules;
mod payload;
mod projection;
mod writing;

pub(crate) use aggregate::aggregate;
pub(crate) use changes::{Change, Changes};
pub(crate) use projection::projection;
