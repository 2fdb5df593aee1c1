//! Names that a person may choose: of a project, and of a module in it.

mod krate;
mod module;
mod reserved;

pub(crate) use krate::{BadCrateName, CrateName};
pub(crate) use module::{BadModuleName, ModuleName};
