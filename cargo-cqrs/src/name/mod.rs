//! Names that a person may choose: of a project, and of a module in it.

mod krate;
mod module;
mod reserved;

/// Cargo's own registry takes no longer names, and a file system has room for what is made of them.
const LONGEST: usize = 64;

pub(crate) use krate::{BadCrateName, CrateName};
pub(crate) use module::{BadModuleName, ModuleName};
